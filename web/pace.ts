import { type Motion, STILL } from './charts/motion.ts';

/** What decides whether and how fast the page moves. */
export interface Circumstances {
  /** Batches since the last drawing. */
  readonly behind: number;
  /** The usual time between two batches, in ms. */
  readonly intervalMs: number;
  /** Nobody sees the page. */
  readonly hidden: boolean;
  /** The reader asked for less motion. */
  readonly reduced: boolean;
}

/** More batches than this at once are not worth a picture each. */
const MAX_BEHIND = 2;
const MIN_MS = 200;
const MAX_MS = 700;
const PLACE_MS = 600;

/**
 * The motion that leads to the next picture: as long as the time to the next batch, within bounds
 * that an eye can follow, and none where it would only delay. Places take longer than lengths at a
 * fast pace, since a swap of two bars within 200 ms is a jump.
 */
export function motionFor({ behind, intervalMs, hidden, reduced }: Circumstances): Motion {
  if (hidden || reduced || behind > MAX_BEHIND) return STILL;
  const reachMs = Math.min(MAX_MS, Math.max(MIN_MS, intervalMs));
  return { reachMs, placeMs: Math.max(PLACE_MS, reachMs) };
}

/** The usual time between two batches, in ms: a mean in which older ones weigh ever less. */
export class Pace {
  #intervalMs = MAX_MS;
  #lastMs: number | undefined;

  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Tells that a batch arrived at `nowMs`, on a clock that never goes back. */
  beat(nowMs: number): void {
    if (this.#lastMs !== undefined) {
      this.#intervalMs += (Math.min(MAX_MS, nowMs - this.#lastMs) - this.#intervalMs) / 4;
    }
    this.#lastMs = nowMs;
  }
}
