/** A clock for tests that stands until it is told to move. */
export class FakeClock {
  /** Milliseconds since its making. */
  now = 0;
  #timers: { readonly at: number; readonly then: () => void }[] = [];

  /** As `Environment.after`; timers of one moment run in the order of their making. */
  after(ms: number, then: () => void): () => void {
    const timer = { at: this.now + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((held) => held !== timer);
    };
  }

  /** Runs all that is due within the next `ms` milliseconds. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end);
      const [first] = due.sort((a, b) => a.at - b.at);
      if (first === undefined) break;
      this.#timers = this.#timers.filter((held) => held !== first);
      this.now = first.at;
      first.then();
    }
    this.now = end;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }
}
