import { add, addAll, apply, difference } from '../../protocol/multiset.ts';
import {
  type Batch,
  type Changes,
  compareFrontiers,
  type Diff,
  type Frontier,
  type RowText,
  type Timestamp,
  type Update,
} from '../../protocol/update.ts';
import { History, type HistoryLimits } from './history.ts';

/** The updates of one timestamp, consolidated. */
interface Group {
  readonly time: Timestamp;
  readonly changes: Map<RowText, Diff>;
}

/** An update came for a time that was already closed, or before one that came earlier. */
export class TimeError extends Error {
  override readonly name = 'TimeError';
}

/**
 * A view as one upstream stream tells it: a multiset at a frontier, its history, and the updates
 * whose timestamps are not closed yet. The first progress completes the snapshot.
 */
export class Collection {
  readonly #limits: HistoryLimits | undefined;
  readonly #rows = new Map<RowText, number>();
  #history = new History(0);
  #frontier: Frontier | null = null;
  #pending: Group[] = [];

  constructor(limits?: HistoryLimits) {
    this.#limits = limits;
  }

  /** The view at `frontier`; it moves under the reader. */
  get rows(): ReadonlyMap<RowText, number> {
    return this.#rows;
  }

  /** Null until the snapshot is complete. */
  get frontier(): Frontier | null {
    return this.#frontier;
  }

  get history(): History {
    return this.#history;
  }

  /** @throws {TimeError} when the time is closed, or earlier than that of the update before. */
  update({ row, time, diff }: Update): void {
    const last = this.#pending.at(-1);
    if (last?.time === time) {
      add(last.changes, row, diff);
      return;
    }
    const bound = last?.time ?? this.#frontier;
    if (bound !== null && compareFrontiers(time, bound) < 0) {
      throw new TimeError(`expected an update at ${bound} or later, got one at ${time}`);
    }
    this.#pending.push({ time, changes: new Map([[row, diff]]) });
  }

  /** Drops the updates that no progress closed: their stream was cut. */
  discardPending(): void {
    this.#pending = [];
  }

  /**
   * Closes all timestamps below `frontier`. Returns the batch from the frontier before, or null
   * when it does not advance; the first one is the batch from nothing.
   *
   * @throws {MultiplicityError} leaving everything as it was, but for the closed updates.
   */
  progress(frontier: Frontier): Batch | null {
    const lower = this.#frontier;
    if (lower === 'end') return null;
    if (lower !== null && compareFrontiers(frontier, lower) <= 0) return null;
    const groups = this.#takeClosed(frontier);
    const changes = sum(groups);
    apply(this.#rows, changes);
    this.#remember(groups, frontier);
    this.#frontier = frontier;
    return { lower, upper: frontier, changes };
  }

  /**
   * Takes over what a new snapshot shows, as the one batch from the frontier held to its own,
   * which must be later. What happened between is not known, so no difference can start there.
   * Returns null when nothing can be later.
   */
  adopt(other: Collection): Batch | null {
    const lower = this.#frontier;
    const upper = other.#frontier;
    if (lower === null || upper === null || lower === 'end') return null;
    const changes = difference(this.#rows, other.#rows);
    addAll(this.#rows, changes);
    this.#pending = other.#pending;
    this.#frontier = upper;
    const last = upper === 'end' ? Number.MAX_SAFE_INTEGER : upper - 1;
    this.#history.append(lower, last, changes);
    if (upper !== 'end') this.#history.trim(upper);
    return { lower, upper, changes };
  }

  #takeClosed(frontier: Frontier): readonly Group[] {
    const open = this.#pending.findIndex(({ time }) => compareFrontiers(time, frontier) >= 0);
    const closed = open === -1 ? this.#pending : this.#pending.slice(0, open);
    this.#pending = open === -1 ? [] : this.#pending.slice(open);
    return closed;
  }

  #remember(groups: readonly Group[], frontier: Frontier): void {
    let news = groups;
    if (this.#frontier === null) {
      // The earliest timestamp of a snapshot stands for all that was before it.
      const [snapshot, ...later] = groups;
      news = later;
      const start = snapshot === undefined ? frontier : snapshot.time + 1;
      this.#history = new History(start === 'end' ? 0 : start, this.#limits);
    }
    for (const { time, changes } of news) this.#history.append(time, time, changes);
    if (frontier !== 'end') this.#history.trim(frontier);
  }
}

function sum(groups: readonly Group[]): Changes {
  const [only, ...more] = groups;
  if (only === undefined) return new Map();
  if (more.length === 0) return only.changes;
  const changes = new Map<RowText, Diff>();
  for (const group of groups) addAll(changes, group.changes);
  return changes;
}
