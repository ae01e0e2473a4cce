import type { Emit, Settings, Unit } from './engine.ts';
import { InsertRecognizer, type JoinableInsert, joinInserts } from './inserts.ts';
import type { Relations } from './relation.ts';
import { splitFrames } from './wire/frames.ts';

/** What group commit needs from the engine around it. */
export interface GroupCommitHost {
  relations(): Relations;
  turn<T>(work: () => Promise<T>): Promise<T>;
  execute(frames: Uint8Array, emit: (frames: Buffer) => void): Promise<void>;
  /** Called within the turn, after rows were committed. */
  committed(): void;
}

/** A group takes no more than this, so that its answer does not wait long. */
const MAX_GROUP_ROWS = 1000;

interface Member {
  readonly unit: Unit;
  readonly insert: JoinableInsert;
  readonly emit: Emit;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Joins inserts that wait at the same time into one statement and one commit. Nothing is delayed
 * for it: a group is whatever has come together while the backend was busy.
 */
export class GroupCommit {
  readonly #host: GroupCommitHost;
  readonly #recognizer: InsertRecognizer;
  /** By key, the group that still takes members. */
  readonly #open = new Map<string, Member[]>();

  constructor(host: GroupCommitHost) {
    this.#host = host;
    this.#recognizer = new InsertRecognizer(() => host.relations());
  }

  /** Takes the unit and resolves true when it was answered, or false when it is not of the kind. */
  async offer(unit: Unit, settings: Settings, emit: Emit): Promise<boolean> {
    const insert = this.#recognizer.recognize(unit, settings);
    if (insert === null) return false;
    await new Promise<void>((done, failed) => {
      this.#join({ unit, insert, emit, done, failed });
    });
    return true;
  }

  #join(member: Member): void {
    const { key } = member.insert;
    const group = this.#open.get(key);
    if (group !== undefined) {
      group.push(member);
      if (group.length >= MAX_GROUP_ROWS) this.#open.delete(key);
      return;
    }
    const started = [member];
    this.#open.set(key, started);
    this.#host
      .turn(async () => {
        if (this.#open.get(key) === started) this.#open.delete(key);
        await this.#commit(started);
      })
      .catch((error: unknown) => {
        for (const each of started) each.failed(error);
      });
  }

  async #commit(group: readonly Member[]): Promise<void> {
    if (group.length === 1 || !(await this.#commitTogether(group))) {
      for (const { unit, emit, done } of group) {
        await this.#host.execute(unit.frames, emit);
        done();
      }
    }
    this.#host.committed();
  }

  async #commitTogether(group: readonly Member[]): Promise<boolean> {
    let isCommitted = true;
    await this.#host.execute(joinInserts(group.map(({ insert }) => insert)), (answer) => {
      for (const frame of splitFrames(answer)) {
        if (frame.type === ERROR_RESPONSE) isCommitted = false;
      }
    });
    if (!isCommitted) return false;
    for (const { insert, emit, done } of group) {
      emit(insert.answer);
      done();
    }
    return true;
  }
}

const ERROR_RESPONSE = 0x45;
