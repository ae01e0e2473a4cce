import type { DecodedRow } from './decoder.ts';

/** Rows of one partition, with the offset that they reach. */
export interface RowsToCommit {
  readonly partition: number;
  readonly rows: readonly DecodedRow[];
  readonly next: bigint;
}

/** Rows of one commit: others wait for the backend no longer than these take. */
const COMMIT_ROWS = 1_000;
/** Beyond so many rows that wait, whoever adds more waits too. */
const WAITING_ROWS = 2_000;

/**
 * Commits rows of several partitions together: what has come while the backend was busy goes in one
 * transaction with the offsets it reaches, in the order in which it was added.
 */
export class Committer {
  readonly #commit: (parts: readonly RowsToCommit[]) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #waiting: RowsToCommit[] = [];
  #rows = 0;
  #working: Promise<void> | null = null;
  #isOver = false;

  /** `failed` is called once; nothing is committed any more then. */
  constructor(
    commit: (parts: readonly RowsToCommit[]) => Promise<void>,
    failed: (error: unknown) => void,
  ) {
    this.#commit = commit;
    this.#failed = failed;
  }

  /** Takes rows to be committed; resolves when there is room for more. After a failure nothing is
   *  taken, as what comes later must not be committed without what came before. */
  async add(part: RowsToCommit): Promise<void> {
    if (this.#isOver) return;
    this.#waiting.push(part);
    this.#rows += part.rows.length;
    this.#working ??= this.#work();
    while (this.#rows >= WAITING_ROWS && this.#working !== null) await this.#working;
  }

  /** Resolves when all that was added is committed, or never will be. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  async #work(): Promise<void> {
    try {
      const parts = this.#take();
      await this.#commit(parts);
      this.#working = this.#waiting.length > 0 ? this.#work() : null;
    } catch (error) {
      this.#isOver = true;
      this.#waiting = [];
      this.#rows = 0;
      this.#working = null;
      this.#failed(error);
    }
  }

  /** The next parts, whole ones, for one transaction. */
  #take(): readonly RowsToCommit[] {
    let rows = 0;
    let count = 0;
    for (const part of this.#waiting) {
      if (count > 0 && rows + part.rows.length > COMMIT_ROWS) break;
      rows += part.rows.length;
      count++;
    }
    this.#rows -= rows;
    return this.#waiting.splice(0, count);
  }
}
