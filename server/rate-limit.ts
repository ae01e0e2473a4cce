/**
 * A limit of `perSecond` messages on average and `burst` at once, for any number of senders. What a
 * sender has used is one number, at first 0: when it will have its whole burst again, in ms (the
 * generic cell rate algorithm, ITU-T I.371 annex A).
 */
export class RateLimit {
  readonly #stepMs: number;
  readonly #burstMs: number;

  constructor(perSecond: number, burst: number) {
    this.#stepMs = 1_000 / perSecond;
    this.#burstMs = burst * this.#stepMs;
  }

  /** What the sender has used with one more message; null when it is one too many. */
  take(used: number, nowMs: number): number | null {
    // Further ahead than a burst is only where the clock was set back.
    const known = used - nowMs > this.#burstMs ? nowMs : Math.max(used, nowMs);
    // Rounding must not cost a sender the last message of its burst.
    return known + this.#stepMs - nowMs > this.#burstMs + 1e-3 ? null : known + this.#stepMs;
  }
}
