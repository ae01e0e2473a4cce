import { compareFrontiers, type Frontier } from '../../protocol/update.ts';

/**
 * How many bytes a channel has published up to each frontier, so that what a viewer has not
 * acknowledged is a subtraction, and publishing costs nothing per viewer.
 */
export class SentLog {
  readonly #keepBytes: number;
  #entries: { readonly upper: Frontier; readonly total: number }[] = [];
  #total = 0;

  /** Remembers at least the last `keepBytes`; who is further behind lags anyway. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** All bytes ever published. */
  get total(): number {
    return this.#total;
  }

  published(upper: Frontier, bytes: number): void {
    this.#total += bytes;
    this.#entries.push({ upper, total: this.#total });
    const old = this.#entries[Math.floor(this.#entries.length / 2)];
    if (old !== undefined && this.#total - old.total > this.#keepBytes) {
      this.#entries = this.#entries.slice(Math.floor(this.#entries.length / 2));
    }
  }

  /** Timestamps start over: those before mean nothing any more. */
  restart(): void {
    this.#entries = [];
  }

  /** The total up to a frontier; 0 when it was published longer ago than is remembered. */
  upTo(upper: Frontier): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && compareFrontiers(entry.upper, upper) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low - 1]?.total ?? 0;
  }
}
