/** Progress comes so long after a batch, and then so often: `hello` promises 15 s. */
const QUIET_MS = 1_000;
const PROGRESS_MS = 14_500;

/** When a channel may send its next batch, and when it is to prove that nothing has changed. */
export class Pace {
  readonly #everyMs: number;
  #sentMs = Number.NEGATIVE_INFINITY;
  #proofMs = Number.POSITIVE_INFINITY;

  /** At most one batch in `everyMs`. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How long until the next batch may go; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#sentMs + this.#everyMs - nowMs);
  }

  /** Whether a proof of quiet is due: never before somebody listens. */
  isProofDue(nowMs: number): boolean {
    return nowMs >= this.#proofMs;
  }

  /** Somebody listens; from the first one on, proofs are due. */
  listened(nowMs: number): void {
    if (this.#proofMs === Number.POSITIVE_INFINITY) this.restart(nowMs);
  }

  /** All viewers are sent a first batch of their own. */
  restart(nowMs: number): void {
    this.#proofMs = nowMs + QUIET_MS;
  }

  /** A batch goes out. */
  sent(nowMs: number): void {
    this.#sentMs = nowMs;
    this.#proofMs = nowMs + QUIET_MS;
  }

  /** Quiet was proved. */
  proved(nowMs: number): void {
    this.#proofMs = nowMs + PROGRESS_MS;
  }
}
