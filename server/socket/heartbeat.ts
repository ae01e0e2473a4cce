/**
 * Calls every connection once in a round, a few at each beat, so that ten thousand pings do not
 * fall into one turn of the event loop.
 */
export class Heartbeat {
  readonly #slots: readonly Set<() => void>[];
  #next = 0;
  #joined = 0;

  /** A round is `beats` beats long. */
  constructor(beats: number) {
    this.#slots = Array.from({ length: beats }, () => new Set());
  }

  /** Calls `call` once in every round from now on; the returned function ends that. */
  add(call: () => void): () => void {
    const slot = this.#slots[this.#joined % this.#slots.length];
    this.#joined += 1;
    slot?.add(call);
    return () => {
      slot?.delete(call);
    };
  }

  /** To be called at an even pace: a round's length divided by the number of beats. */
  beat(): void {
    const slot = this.#slots[this.#next];
    this.#next = (this.#next + 1) % this.#slots.length;
    for (const call of slot ?? []) call();
  }
}
