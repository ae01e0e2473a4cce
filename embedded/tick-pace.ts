/** No rest is longer, in ms. */
const MAX_REST_MS = 1_000;
/** A timer of a second comes somewhat early or late: what is due by then is due. */
const WAKE_MS = 50;
/** What changes with time is looked at less often than its interval where that took long. */
const TEMPORAL_SHARE = 1 / 10;

export interface PaceOptions {
  /**
   * After a tick there is none for so many times as long as its re-evaluations took, or for a
   * second. With 3, views that take less than that take a quarter of the engine's time at most.
   */
  readonly restFactor: number;
  /** From one look at what changes with time to the next, in ms. */
  readonly temporalMs: number;
}

/**
 * How often the engine may do what takes long: re-evaluations are followed by rest, and what
 * changes with time has its turns. All times are of one clock, in ms.
 */
export class TickPace {
  readonly #options: PaceOptions;
  #restUntil = 0;
  #temporalAt = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** How long the next tick is to wait, so that re-evaluation leaves time for the rest. */
  restMs(now: number): number {
    return Math.max(0, this.#restUntil - now);
  }

  /** A re-evaluation began and ended; rest that was due before it still is. */
  reevaluated(start: number, end: number): void {
    const restMs = this.restMs(start) + this.#options.restFactor * (end - start);
    this.#restUntil = end + Math.min(restMs, MAX_REST_MS);
  }

  /** Whether the tick that begins now is to look at what changes with time. */
  isTemporalDue(now: number): boolean {
    return now >= this.#temporalAt;
  }

  /** A tick that looked at what changes with time began and ended. */
  lookedAtTemporal(start: number, end: number): void {
    const waitMs = Math.max(this.#options.temporalMs - WAKE_MS, (end - start) / TEMPORAL_SHARE);
    this.#temporalAt = start + waitMs;
  }
}
