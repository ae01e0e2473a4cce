import type { Held, RowChange } from '../protocol/message.ts';
import type { Column, Diff, Frontier } from '../protocol/update.ts';
import type { Applied } from './feed.ts';
import type { Follower, Line, LineStatus } from './line.ts';
import type { Row } from './rows.ts';

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

/**
 * Live rows of one or several views that move together. Rows stay on show through losses until
 * newer ones are whole.
 */
export class Subscription<V extends ViewTypes> {
  readonly #line: Line;
  readonly #release: () => void;
  readonly #followers = new Set<Follower>();

  /** @param release called when nobody follows any more here */
  constructor(line: Line, release: () => void) {
    this.#line = line;
    this.#release = release;
  }

  get status(): LineStatus {
    return this.#line.status;
  }

  /** What the rows hold: every update with a time below; null before the first rows. */
  get frontier(): Frontier | null {
    return this.#line.feed.frontier;
  }

  /** The columns of a view, in row order; empty until the first rows. */
  columns(view: keyof V & string): readonly Column[] {
    return this.#line.feed.columns(view);
  }

  /** The rows of a view at this moment, each as often as it stands there, in no order. */
  rows<K extends keyof V & string>(view: K): V[K][] {
    // The caller's types say what the rows of a view are; the protocol cannot know them.
    return [...(this.#line.feed.rows(view) ?? [])] as unknown[] as V[K][];
  }

  /**
   * Tells `follower` of every batch and status from now on, the first batch being all that is held,
   * where something is. The returned function ends that.
   */
  follow(follower: Follower): () => void {
    const { feed, followers } = this.#line;
    this.#followers.add(follower);
    followers.add(follower);
    if (feed.known) {
      // Not before the caller holds the result.
      queueMicrotask(() => {
        if (followers.has(follower)) follower.batch(feed.everything());
      });
    }
    return () => {
      this.#followers.delete(follower);
      followers.delete(follower);
    };
  }

  /** Ends it for good, and for all who follow it here. */
  close(): void {
    for (const follower of [...this.#followers]) {
      this.#line.followers.delete(follower);
      follower.status({ state: 'closed' });
    }
    this.#followers.clear();
    this.#release();
  }
}

/** An applied batch as its reader sees it. */
export function viewBatch<V extends ViewTypes>({ changes, ...rest }: Applied): ViewBatch<V> {
  return {
    ...rest,
    changes: <K extends keyof V & string>(view: K) =>
      (changes.get(view) ?? []) as readonly RowChange[] as readonly Change<V[K]>[],
  };
}
