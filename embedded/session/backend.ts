import { type Engine, EngineError, type Transaction } from '../engine.ts';
import { type Frame, splitFrames } from '../wire/frames.ts';
import { query } from '../wire/request.ts';
import type { SessionSettings } from './settings.ts';

export type TransactionStatus = 'I' | 'T' | 'E';

/** Frames for the backend, ending with Query or Sync, and what is known of their statements. */
export interface Work {
  readonly frames: Uint8Array;
  readonly sql: string;
  readonly writes: boolean;
  /** The statement cannot run inside a transaction. */
  readonly outsideTransaction: boolean;
  /** Further work of the same implicit transaction follows (extended protocol before its Sync). */
  readonly continues: boolean;
}

export type OnFrame = (frame: Frame & { readonly whole: Buffer }) => void;

const UNREPORTED = new Set([...'SZAK'].map((letter) => letter.charCodeAt(0)));
const ERROR = 'E'.charCodeAt(0);

/**
 * A session's way to the shared backend, and its transaction. BEGIN holds nothing: the backend is
 * taken at the first write and given back at COMMIT, ROLLBACK or Sync.
 *
 *     I ──BEGIN──▶ T (free) ──first write──▶ T (held) ──error──▶ E ──COMMIT, ROLLBACK──▶ I
 */
export class Backend {
  readonly #engine: Engine;
  readonly #settings: SessionSettings;
  #status: TransactionStatus = 'I';
  #held: Transaction | undefined;
  /** The held transaction was opened by extended messages outside a block; Sync commits it. */
  #implicit = false;

  constructor(engine: Engine, settings: SessionSettings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  get status(): TransactionStatus {
    return this.#implicit ? 'I' : this.#status;
  }

  /** Whether other sessions wait for this one. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** @throws {EngineError} 25P02 in a failed transaction. */
  requireHealthy(): void {
    if (this.#status !== 'E') return;
    throw new EngineError(
      '25P02',
      'current transaction is aborted, commands ignored until end of transaction block',
    );
  }

  /** What the catalogue or a subscription does needs the backend, which this session itself holds. */
  requireFree(what: string): void {
    if (this.#held === undefined) return;
    throw new EngineError('25001', `${what} cannot run in a transaction that has written`, {
      hint: 'COMMIT first.',
    });
  }

  /** Marks the transaction as failed, after an error that the backend did not see. */
  fail(): void {
    if (this.#status === 'T') this.#status = 'E';
  }

  begin(): boolean {
    if (this.#status !== 'I' && !this.#implicit) return false;
    if (!this.#implicit) this.#settings.begin();
    this.#implicit = false;
    this.#status = 'T';
    return true;
  }

  /** Runs work and hands over the backend's answer but its status messages. True when it failed. */
  async run(work: Work, onFrame: OnFrame): Promise<boolean> {
    this.requireHealthy();
    const inBlock = this.#status === 'T';
    if (work.outsideTransaction && inBlock) {
      throw new EngineError('25001', 'this statement cannot run inside a transaction block');
    }
    if (work.writes && this.#held === undefined && (inBlock || work.continues)) {
      this.#held = await this.#engine.begin(this.#settings.forEngine());
      this.#implicit = !inBlock;
      this.#status = 'T';
    }
    let failed = false;
    const emit = (bytes: Uint8Array): void => {
      for (const frame of splitFrames(bytes)) {
        if (frame.type === ERROR) failed = true;
        if (!UNREPORTED.has(frame.type)) onFrame(frame);
      }
    };
    if (this.#held === undefined) {
      const unit = { frames: work.frames, sql: work.sql };
      await this.#engine.autocommit(unit, this.#settings.forEngine(), emit);
    } else {
      const status = await this.#held.execute(work.frames, emit);
      if (status === 'E' || failed) this.#status = 'E';
    }
    if (failed) this.fail();
    return failed;
  }

  /** Ends the block. The tag says what happened: a failed transaction rolls back. */
  async end(how: 'COMMIT' | 'ROLLBACK', onFrame: OnFrame): Promise<string | undefined> {
    const held = this.#held;
    let committed = how === 'COMMIT' && this.#status !== 'E';
    try {
      let failed = false;
      if (held !== undefined) {
        await held.execute(query(committed ? 'COMMIT' : 'ROLLBACK'), (bytes) => {
          for (const frame of splitFrames(bytes)) {
            if (frame.type !== ERROR) continue;
            failed = true;
            onFrame(frame);
          }
        });
      }
      if (failed) committed = false;
      return failed ? undefined : committed ? 'COMMIT' : 'ROLLBACK';
    } finally {
      await this.#forget(committed);
    }
  }

  /** Ends an implicit transaction at Sync. */
  async sync(onFrame: OnFrame): Promise<void> {
    if (this.#implicit) await this.end('COMMIT', onFrame);
  }

  /** Gives the backend back, undoing what was not committed. */
  async release(): Promise<void> {
    await this.#forget(false);
  }

  async #forget(committed: boolean): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    this.#status = 'I';
    this.#implicit = false;
    this.#settings.end(committed);
    await held?.release();
  }
}
