/** How much may wait for a token to be verified. */
export const HELD_BYTES = 65_536;
export const HELD_MESSAGES = 200;

/** What came while a token was being verified, in its order, within a bound. */
export class Held {
  #runs: (() => void)[] = [];
  #bytes = 0;

  /** False when that is more than may wait. */
  add(bytes: number, run: () => void): boolean {
    if (this.#bytes + bytes > HELD_BYTES || this.#runs.length >= HELD_MESSAGES) return false;
    this.#bytes += bytes;
    this.#runs.push(run);
    return true;
  }

  /** Runs and forgets all, for as long as `open` says so. */
  run(open: () => boolean): void {
    const runs = this.#runs;
    this.clear();
    for (const run of runs) if (open()) run();
  }

  clear(): void {
    this.#runs = [];
    this.#bytes = 0;
  }
}
