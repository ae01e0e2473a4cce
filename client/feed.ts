import type {
  BatchMessage,
  Held,
  Progress,
  ResumePoint,
  RowChange,
  Subscribed,
} from '../protocol/message.ts';
import { type Column, compareFrontiers, type Frontier } from '../protocol/update.ts';
import { expectThat } from './expect-that.ts';
import { Parts } from './parts.ts';
import { Rows } from './rows.ts';

/** A batch that was applied: what it changed, against what was held before. */
export interface Applied {
  /** What was held before; null at first, and where the timestamps mean something else now. */
  readonly lower: Frontier | null;
  readonly upper: Frontier;
  readonly held: Held;
  readonly changes: ReadonlyMap<string, readonly RowChange[]>;
}

/** Holds the rows of a view against a hash (PROTOCOL.md, "Hash"). */
export interface Check {
  matches(view: string, hash: string): boolean;
}

/**
 * What a message did: `applied` moved the rows, `quiet` proved them right, `pending` is part of
 * something, `ignored` is known already. `gap` asks to resume from what is held, `broken` to get a
 * snapshot, since what is held is wrong.
 */
export type Outcome = Applied | 'quiet' | 'pending' | 'ignored' | 'gap' | 'broken';

/**
 * What a viewer holds of one subscription: the rows of its views and the frontier they stand at.
 * Pure: it takes messages and says what they did. A batch is applied only where it continues what
 * is held (PROTOCOL.md, invariants C1 to C3).
 */
export class Feed {
  readonly views: readonly string[];
  #rows: ReadonlyMap<string, Rows>;
  #columns: ReadonlyMap<string, readonly Column[]> = new Map();
  #parts = new Parts();
  #epoch = '';
  #frontier: Frontier | null = null;
  /** Whether any snapshot was applied, in any epoch. */
  #known = false;
  /** Whether the rows may be built on; not after a differing hash, until the next snapshot. */
  #trusted = true;
  #held: Held = {};

  constructor(views: readonly string[]) {
    this.views = views;
    this.#rows = new Map(views.map((view) => [view, new Rows()]));
  }

  /** Whether there are rows to show: a first batch has been applied. */
  get known(): boolean {
    return this.#known;
  }

  /** What the rows hold; null before the first batch of this epoch. */
  get frontier(): Frontier | null {
    return this.#frontier;
  }

  /** The frontiers of views that were left behind. */
  get held(): Held {
    return this.#held;
  }

  /** The rows of a view; undefined when it is none of this subscription's. */
  rows(view: string): Rows | undefined {
    return this.#rows.get(view);
  }

  /** The columns of a view; empty until they are known. */
  columns(view: string): readonly Column[] {
    return this.#columns.get(view) ?? [];
  }

  /** Where to go on from; undefined when a snapshot is needed. */
  resumePoint(): ResumePoint | undefined {
    if (this.#frontier === null || !this.#trusted) return undefined;
    return { epoch: this.#epoch, timestamp: this.#frontier, held: this.#held };
  }

  /** A subscription stands: what follows belongs to its epoch. */
  begin({ epoch, columns }: Subscribed): void {
    this.#parts.clear();
    this.#columns = new Map(Object.entries(columns));
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#frontier = null;
    this.#held = {};
  }

  /**
   * Takes a batch, or a part of one.
   *
   * @throws {TypeError} when it is none; what is held is as before.
   */
  take(message: BatchMessage): Outcome {
    expectFrontier(message.upper);
    if (this.#isKnown(message)) return 'ignored';
    const batch = this.#parts.take(message);
    if (typeof batch === 'string') return batch;
    if (batch.lower === null) return this.#replace(batch);
    return batch.lower === this.#frontier ? this.#advance(batch) : 'gap';
  }

  /** All that is held, as the batch from nothing. */
  everything(): Applied {
    const nothing = new Rows();
    const changes = [...this.#rows].map(([view, rows]) => [view, rows.since(nothing)] as const);
    return this.#applied(null, changes);
  }

  /**
   * Takes a proof of quiet: it holds when the hashes are those of the rows.
   *
   * @param check null where the hashes are to be believed
   */
  prove(progress: Progress, check: Check | null): Outcome {
    expectFrontier(progress.upper);
    // A proof before the first batch: that one was lost.
    if (this.#frontier === null) return 'gap';
    if (compareFrontiers(progress.upper, this.#frontier) < 0) return 'ignored';
    const hashes = new Map(Object.entries(progress.hash));
    if (
      check !== null &&
      !this.views.every((view) => check.matches(view, hashes.get(view) ?? ''))
    ) {
      return this.#distrust();
    }
    this.#stand(progress.upper, progress.held);
    return 'quiet';
  }

  /**
   * Whether a batch tells nothing new. A snapshot at the frontier does, for it may be a repair, and
   * so does the batch that answers a resume: it stays at the frontier when nothing has changed, or
   * nothing but views that were left behind.
   */
  #isKnown({ lower, upper, changes, held = {} }: BatchMessage): boolean {
    if (this.#frontier === null) return false;
    const ahead = compareFrontiers(upper, this.#frontier);
    if (lower === null || ahead !== 0) return ahead < 0;
    const isMoved = JSON.stringify(held) !== JSON.stringify(this.#held);
    return lower !== upper || (!isMoved && Object.keys(changes).length > 0);
  }

  #replace(batch: BatchMessage): Outcome {
    const changes = new Map(Object.entries(batch.changes));
    const rows = new Map(this.views.map((view) => [view, new Rows()]));
    for (const [view, fresh] of rows) {
      const apply = fresh.weigh(changes.get(view) ?? []);
      if (apply === null) return this.#distrust();
      apply();
    }
    const before = this.#rows;
    const lower = this.#frontier;
    this.#rows = rows;
    this.#known = true;
    this.#trusted = true;
    this.#stand(batch.upper, batch.held);
    const moved = this.views.map((view) => {
      const from = before.get(view) ?? new Rows();
      return [view, rows.get(view)?.since(from) ?? []] as const;
    });
    return this.#applied(lower, moved);
  }

  #advance(batch: BatchMessage): Outcome {
    const weighed: (() => void)[] = [];
    for (const [view, changes] of Object.entries(batch.changes)) {
      const apply = this.#rows.get(view)?.weigh(changes);
      if (!apply) return this.#distrust();
      weighed.push(apply);
    }
    for (const apply of weighed) apply();
    const lower = this.#frontier;
    this.#stand(batch.upper, batch.held);
    return this.#applied(lower, Object.entries(batch.changes));
  }

  #applied(
    lower: Frontier | null,
    changes: readonly (readonly [string, readonly RowChange[]])[],
  ): Applied {
    const upper = this.#frontier ?? 0;
    return { lower, upper, held: this.#held, changes: new Map(changes) };
  }

  #distrust(): 'broken' {
    this.#trusted = false;
    return 'broken';
  }

  #stand(upper: Frontier, held: Held = {}): void {
    this.#frontier = upper;
    this.#held = held;
  }
}

/** Everything else in a message is found by what it does to rows; a wrong frontier would stay. */
function expectFrontier(value: unknown): void {
  expectThat(value === 'end' || Number.isSafeInteger(value), 'a frontier', value);
}
