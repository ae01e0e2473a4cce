/**
 * Logical time in milliseconds: the wall clock, except that it never stands still for two ticks
 * and never goes back, neither when the wall clock does nor over a restart.
 */
export class LogicalClock {
  #frontier: number;
  readonly #wall: () => number;

  /** `floor`: no time at or above it was given out before. */
  constructor(floor: number, wall: () => number) {
    this.#wall = wall;
    this.#frontier = Math.max(floor, wall());
  }

  /** Every change committed so far and ticked has a time below it. */
  get frontier(): number {
    return this.#frontier;
  }

  /** The time of the tick that would happen now. */
  next(): number {
    return Math.max(this.#wall(), this.#frontier);
  }

  /** Ends the tick at `time`: the next one comes after. */
  close(time: number): void {
    this.#frontier = Math.max(this.#frontier, time + 1);
  }

  /** Follows the wall clock while nothing changes. */
  advance(): void {
    this.#frontier = this.next();
  }
}
