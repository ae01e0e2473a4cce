import type { LogicalClock } from './clock.ts';

/** Times are promised this far ahead, in ms, so that the promise is rarely written. */
const AHEAD_MS = 10_000;

/**
 * What is written down so that time goes on after a restart: no time at or above the floor was ever
 * given out. The floor rises before the clock reaches it.
 */
export class TimeFloor {
  readonly #clock: LogicalClock;
  readonly #write: (floor: number) => Promise<void>;
  #floor: number;

  /** `floor`: as it was written last, which is where `clock` started. */
  constructor(floor: number, clock: LogicalClock, write: (floor: number) => Promise<void>) {
    this.#floor = floor;
    this.#clock = clock;
    this.#write = write;
  }

  /** A tick that happened now could give out a time that a restart would give out again. */
  get isReached(): boolean {
    return this.#clock.next() + 1 >= this.#floor;
  }

  /** To be awaited before each tick. */
  async raise(): Promise<void> {
    if (!this.isReached) return;
    this.#floor = this.#clock.next() + AHEAD_MS;
    await this.#write(this.#floor);
  }

  /** No time will be given out any more: the next start may go on right from here. */
  async settle(): Promise<void> {
    await this.#write(this.#clock.frontier);
  }
}
