/**
 * Calls on every connection once in a round, on a few at each beat, so that ten thousand pings do
 * not fall into one turn of the event loop.
 */
export class Heartbeat<Connection> {
  readonly #slots: readonly Set<Connection>[];
  readonly #call: (connection: Connection) => void;
  #next = 0;
  #joined = 0;

  /** A round is `beats` beats long. */
  constructor(beats: number, call: (connection: Connection) => void) {
    this.#slots = Array.from({ length: beats }, () => new Set());
    this.#call = call;
  }

  /** Calls on the connection once in every round from now on. */
  add(connection: Connection): void {
    this.#slots[this.#joined % this.#slots.length]?.add(connection);
    this.#joined += 1;
  }

  /** May be called more than once. Which slot it is in is not worth remembering for each. */
  remove(connection: Connection): void {
    for (const slot of this.#slots) if (slot.delete(connection)) return;
  }

  /** To be called at an even pace: a round's length divided by the number of beats. */
  beat(): void {
    const slot = this.#slots[this.#next];
    this.#next = (this.#next + 1) % this.#slots.length;
    for (const connection of slot ?? []) this.#call(connection);
  }
}
