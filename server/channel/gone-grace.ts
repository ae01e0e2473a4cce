/** A dropped view is often created anew at once; its viewers are kept so long. */
const GRACE_MS = 5_000;

/** How long a channel has been without a view of its own. */
export class GoneGrace {
  #sinceMs: number | null = null;

  /** To be called whenever that may have changed. */
  note(isGone: boolean, nowMs: number): void {
    this.#sinceMs = isGone ? (this.#sinceMs ?? nowMs) : null;
  }

  isOver(nowMs: number): boolean {
    return this.#sinceMs !== null && nowMs - this.#sinceMs >= GRACE_MS;
  }
}
