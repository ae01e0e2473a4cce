import type { Subscription } from '../engine.ts';
import type { WireRow } from '../wire/rows.ts';
import type { Outbound } from './outbound.ts';
import type { Shape } from './shape.ts';

/** A subscription as wire rows. */
export class RowStream {
  readonly #subscription: Subscription;
  readonly #shape: Shape;
  #ready: readonly WireRow[] = [];
  #position = 0;
  #finished = false;

  constructor(subscription: Subscription, shape: Shape) {
    this.#subscription = subscription;
    this.#shape = shape;
  }

  get fields(): Shape['fields'] {
    return this.#shape.fields;
  }

  get ended(): boolean {
    return this.#finished && this.#position >= this.#ready.length;
  }

  /** At most `limit` rows that are ready; [] only when there are none. */
  take(limit: number): readonly WireRow[] {
    while (this.#position >= this.#ready.length && !this.#finished) {
      const rows = this.#subscription.take(PAGE_ROWS);
      this.#position = 0;
      this.#ready = this.#shape.feed(rows);
      if (rows.length > 0) continue;
      if (!this.#subscription.ended) return [];
      this.#finished = true;
      this.#ready = this.#shape.end();
    }
    const page = this.#ready.slice(this.#position, this.#position + limit);
    this.#position += page.length;
    return page;
  }

  /** Resolves when rows are ready or it is over; rejects as the subscription does. */
  async ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#subscription.ready(signal);
  }

  close(): void {
    this.#subscription.close();
  }
}

const PAGE_ROWS = 1000;

/** How long a reader waits for rows: for all it asked, for the first ones, or for so many ms. */
export type Patience = 'all' | 'once' | { readonly timeoutMs: number };

/** Why an Execute's wait ended early: the client closed the portal. */
export const INTERRUPTED = Symbol('interrupted');

/**
 * Sends rows as they come, until `limit` is reached, the stream is over, patience ends or the client
 * interrupts. Never takes more than the peer is ready to read. Returns how many rows were sent.
 */
export async function sendRows(
  stream: RowStream,
  request: {
    readonly limit: number;
    readonly patience: Patience;
    readonly encode: (rows: readonly WireRow[]) => Uint8Array;
  },
  out: Outbound,
  signal: AbortSignal,
): Promise<number> {
  const { limit, patience, encode } = request;
  const deadline = typeof patience === 'object' ? patience.timeoutMs : undefined;
  const timer = deadline === undefined ? undefined : timeout(deadline);
  const wait = timer === undefined ? signal : AbortSignal.any([signal, timer.signal]);
  let sent = 0;
  try {
    while (sent < limit) {
      const rows = stream.take(Math.min(limit - sent, PAGE_ROWS));
      sent += rows.length;
      if (rows.length > 0) {
        out.send(encode(rows));
        await out.drained(signal);
        if (timer?.signal.aborted) break;
      } else if (stream.ended || deadline === 0 || (patience === 'once' && sent > 0)) break;
      else {
        out.flush();
        await stream.ready(wait);
      }
    }
  } catch (error) {
    const ends = error === INTERRUPTED || (timer?.signal.aborted && !signal.aborted);
    if (!ends) throw error;
  } finally {
    timer?.cancel();
  }
  return sent;
}

function timeout(ms: number): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(INTERRUPTED), ms);
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
