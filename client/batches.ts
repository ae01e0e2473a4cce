import type { RowChange } from '../protocol/message.ts';
import type { RowText } from '../protocol/update.ts';
import { viewBatch } from './client.ts';
import type { Applied } from './feed.ts';
import type { Follower, LineStatus } from './line.ts';
import type { Subscription, ViewBatch, ViewTypes } from './subscription.ts';

/**
 * The batches of a subscription, one after the other, merged while nobody asks; the first one is
 * all that is held by then. Ends with the subscription; leaving the loop leaves it as it was.
 *
 * @throws {RefusedError} out of the loop, when the subscription is refused.
 */
export async function* batches<V extends ViewTypes>(
  subscription: Subscription<V>,
): AsyncGenerator<ViewBatch<V>, void, undefined> {
  const reader = new Reader(subscription.status);
  const leave = subscription.follow(reader);
  try {
    for (let next = await reader.next(); next !== null; next = await reader.next()) {
      yield viewBatch<V>(next);
    }
  } finally {
    leave();
  }
}

/** One loop's queue: never more than one batch, since what waits is merged. */
class Reader implements Follower {
  #waiting: Applied | null = null;
  #status: LineStatus;
  #wake: () => void = () => {};

  constructor(status: LineStatus) {
    this.#status = status;
  }

  batch(applied: Applied): void {
    this.#waiting = this.#waiting === null ? applied : merge(this.#waiting, applied);
    this.#wake();
  }

  status(status: LineStatus): void {
    this.#status = status;
    this.#wake();
  }

  /** The next batch; null when there will be none. */
  async next(): Promise<Applied | null> {
    while (this.#waiting === null && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const next = this.#waiting;
    this.#waiting = null;
    if (next === null && this.#status.error !== undefined) throw this.#status.error;
    return next;
  }

  get #over(): boolean {
    return this.#status.state === 'refused' || this.#status.state === 'closed';
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
