import type { Held, RowChange } from '../protocol/message.ts';
import type { Column, Diff, Frontier, RowText } from '../protocol/update.ts';
import type { Applied, Feed } from './feed.ts';
import type { LineStatus } from './line.ts';
import { type SortOptions, sortRows } from './order.ts';
import { type Row, Rows } from './rows.ts';

/** Views by name, each with its row as a tuple: `{ top10: [user: string, count: number] }`. */
export type ViewTypes = { readonly [view: string]: Row };

/** The signed change of one row's multiplicity. */
export type Change<R> = readonly [diff: Diff, row: R];

/** What changed between two frontiers. The changes are against the rows held before, always. */
export interface ViewBatch<V extends ViewTypes> {
  /** The frontier held before; null with the first rows, or where timestamps started over. */
  readonly lower: Frontier | null;
  readonly upper: Frontier;
  /** Views that stand at a frontier of their own, behind `upper`. */
  readonly held: Held;
  /** The changes of one view, consolidated. */
  changes<K extends keyof V & string>(view: K): readonly Change<V[K]>[];
}

/** What a subscription needs of the line that feeds it. */
export interface Source {
  readonly feed: Feed;
  readonly status: LineStatus;
}

/**
 * Live rows of one or several views that move together. Rows stay on show through losses until
 * newer ones are whole. As an async iterable it gives a batch each time, merged while nobody asks;
 * the first one is what is held by then.
 */
export class Subscription<V extends ViewTypes> implements AsyncIterable<ViewBatch<V>> {
  readonly #source: Source;
  readonly #leave: () => void;
  readonly #readers = new Set<Reader>();

  constructor(source: Source, leave: () => void) {
    this.#source = source;
    this.#leave = leave;
  }

  get status(): LineStatus {
    return this.#source.status;
  }

  /** What the rows hold: every update with a time below; null before the first rows. */
  get frontier(): Frontier | null {
    return this.#source.feed.frontier;
  }

  /** The columns of a view, in row order; empty until the first rows. */
  columns(view: keyof V & string): readonly Column[] {
    return this.#source.feed.columns(view);
  }

  /** The rows of a view at this moment, each as often as it stands there, in no order. */
  rows<K extends keyof V & string>(view: K): V[K][] {
    return [...this.#rowsOf(view)];
  }

  /** The rows of a view sorted as SQL does it. */
  sorted<K extends keyof V & string>(view: K, options: SortOptions): V[K][] {
    const rows = this.rows(view);
    return rows.length === 0 ? [] : sortRows(rows, this.columns(view), options);
  }

  /** Ends it; iterators end too. */
  close(): void {
    this.#leave();
    for (const reader of this.#readers) reader.end();
  }

  /** For the line: a batch was applied. */
  deliver(applied: Applied): void {
    for (const reader of this.#readers) reader.take(applied);
  }

  /** For the line: it is over. */
  end(error?: Error): void {
    for (const reader of this.#readers) reader.end(error);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<ViewBatch<V>> {
    const reader = new Reader();
    const { feed, status } = this.#source;
    if (feed.known) reader.take(everything(feed));
    if (status.state === 'refused' || status.state === 'closed') reader.end(status.error);
    this.#readers.add(reader);
    try {
      for (let next = await reader.next(); next !== null; next = await reader.next()) {
        yield viewBatch<V>(next);
      }
    } finally {
      this.#readers.delete(reader);
    }
  }

  #rowsOf<K extends keyof V & string>(view: K): Iterable<V[K]> {
    // The caller's types say what the rows of a view are; the protocol cannot know them.
    return (this.#source.feed.rows(view) ?? []) as Iterable<V[K]>;
  }
}

/** An applied batch as its reader sees it. */
export function viewBatch<V extends ViewTypes>(applied: Applied): ViewBatch<V> {
  const { lower, upper, held } = applied;
  return {
    lower,
    upper,
    held,
    changes: <K extends keyof V & string>(view: K) =>
      (applied.changes.get(view) ?? []) as readonly Change<V[K]>[],
  };
}

/** All that a feed holds, as the batch from nothing. */
export function everything(feed: Feed): Applied {
  const nothing = new Rows();
  return {
    lower: null,
    upper: feed.frontier ?? 0,
    held: feed.held,
    changes: new Map(feed.views.map((view) => [view, feed.rows(view)?.since(nothing) ?? []])),
  };
}

/** One iterator's queue: never more than one batch, since what waits is merged. */
class Reader {
  #waiting: Applied | null = null;
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  take(applied: Applied): void {
    this.#waiting = this.#waiting === null ? applied : merge(this.#waiting, applied);
    this.#wake();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  async next(): Promise<Applied | null> {
    while (this.#waiting === null && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const next = this.#waiting;
    this.#waiting = null;
    if (next === null && this.#error !== undefined) throw this.#error;
    return next;
  }
}

function merge(earlier: Applied, later: Applied): Applied {
  const changes = new Map(earlier.changes);
  for (const [view, rows] of later.changes) {
    changes.set(view, consolidate([...(changes.get(view) ?? []), ...rows]));
  }
  return { lower: earlier.lower, upper: later.upper, held: later.held, changes };
}

function consolidate(changes: readonly RowChange[]): RowChange[] {
  const sums = new Map<RowText, RowChange>();
  for (const [diff, row] of changes) {
    const text = JSON.stringify(row);
    const sum = (sums.get(text)?.[0] ?? 0) + diff;
    if (sum === 0) sums.delete(text);
    else sums.set(text, [sum, row]);
  }
  return [...sums.values()];
}
