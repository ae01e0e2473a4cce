/** A proof comes so long after a batch, and so long after the one before: `hello` promises 15 s. */
const QUIET_MS = 1_000;
const PROGRESS_MS = 14_500;

/** When a channel may send its next batch, and when it is to prove what its viewers hold. */
export class Pace {
  readonly #everyMs: number;
  #sentMs = Number.NEGATIVE_INFINITY;
  /** When the next proof is due if no batch comes, and when it is in any case. */
  #proofMs = Number.POSITIVE_INFINITY;
  #latestMs = Number.POSITIVE_INFINITY;

  /** At most one batch in `everyMs`. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How long until the next batch may go; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#sentMs + this.#everyMs - nowMs);
  }

  /**
   * Whether a proof is due: never before somebody listens, and where changes are pending, which it
   * says nothing of, only when it can wait no longer.
   */
  isProofDue(nowMs: number, isPending: boolean): boolean {
    return nowMs >= (isPending ? this.#latestMs : this.#proofMs);
  }

  /** Somebody listens; from the first one on, proofs are due. */
  listened(nowMs: number): void {
    if (this.#proofMs === Number.POSITIVE_INFINITY) this.restart(nowMs);
  }

  /** All viewers are sent a first batch of their own. */
  restart(nowMs: number): void {
    this.#proofMs = nowMs + QUIET_MS;
    this.#latestMs = nowMs + PROGRESS_MS;
  }

  /** A batch goes out. */
  sent(nowMs: number): void {
    this.#sentMs = nowMs;
    this.#proofMs = Math.min(nowMs + QUIET_MS, this.#latestMs);
  }

  /** What is held was proved. */
  proved(nowMs: number): void {
    this.#proofMs = nowMs + PROGRESS_MS;
    this.#latestMs = this.#proofMs;
  }
}
