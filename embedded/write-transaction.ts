import type { Emit, Transaction } from './engine.ts';
import {
  mergeEffects,
  NO_EFFECTS,
  rewriteStatements,
  type StatementEffects,
} from './statement-effects.ts';
import type { Store } from './store.ts';
import { READY_FOR_QUERY } from './store-frames.ts';

/** The backend in one session's hands, from BEGIN until it is released. */
export class WriteTransaction implements Transaction {
  readonly #store: Store;
  readonly #ended: (effects: StatementEffects) => Promise<void>;
  #effects = NO_EFFECTS;
  #status: 'I' | 'T' | 'E' = 'T';
  #isReleased = false;

  /** `ended` is called once, when the backend is free again. */
  constructor(store: Store, ended: (effects: StatementEffects) => Promise<void>) {
    this.#store = store;
    this.#ended = ended;
  }

  async execute(frames: Uint8Array, emit: Emit): Promise<'I' | 'T' | 'E'> {
    const rewritten = rewriteStatements(frames);
    this.#effects = mergeEffects(this.#effects, rewritten.effects);
    await this.#store.execute(rewritten.frames, (answer) => {
      this.#readStatus(answer);
      emit(answer);
    });
    return this.#status;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#status !== 'I') await this.#store.run('ROLLBACK');
    await this.#ended(this.#effects);
  }

  /** ReadyForQuery is always the last frame of an answer, and six bytes long. */
  #readStatus(answer: Buffer): void {
    const at = answer.byteLength - 6;
    if (at < 0 || answer[at] !== READY_FOR_QUERY || answer.readInt32BE(at + 1) !== 5) return;
    const letter = String.fromCharCode(answer.readUInt8(at + 5));
    if (letter === 'I' || letter === 'T' || letter === 'E') this.#status = letter;
  }
}
