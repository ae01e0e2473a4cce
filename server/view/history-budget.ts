import type { HistoryLimits } from './history.ts';

/**
 * Limits that many histories share and that may change. Histories ask at each trim, which comes
 * with every progress of their view: a smaller share is kept within a second or so.
 */
export class HistoryBudget implements HistoryLimits {
  readonly #full: HistoryLimits;
  #share = 1;

  constructor(full: HistoryLimits) {
    this.#full = full;
  }

  get ageMs(): number {
    return Math.floor(this.#full.ageMs * this.#share);
  }

  get bytes(): number {
    return Math.floor(this.#full.bytes * this.#share);
  }

  /** From now on histories have this share of the full limits, 0 to 1. */
  take(share: number): void {
    this.#share = share;
  }
}
