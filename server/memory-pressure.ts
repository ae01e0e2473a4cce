import type { Clock } from './clock.ts';

/**
 * How hard memory presses, and so what is given up, in this order and taken back in reverse:
 *
 *   0 nothing   1 new snapshots   2 most of the views' histories   3 the largest laggards
 */
export type MemoryLevel = 0 | 1 | 2 | 3;

/** Between which shares of the limit a level is entered and left. */
interface Threshold {
  readonly enter: number;
  readonly leave: number;
}

/** By the level that is entered or left. The gap keeps a level from being entered and left by turns. */
export const MEMORY_THRESHOLDS: Readonly<Record<1 | 2 | 3, Threshold>> = {
  1: { enter: 0.8, leave: 0.7 },
  2: { enter: 0.87, leave: 0.78 },
  3: { enter: 0.93, leave: 0.85 },
};

/** Each level gets so long to help before the next is entered, in ms. */
export const RISE_MS = 2_000;
/** A level is left when memory has been below its lower threshold for so long, in ms. */
export const CALM_MS = 10_000;

/** Where the machine stands; a value. */
export interface MemoryPressure {
  readonly level: MemoryLevel;
  /** When the level was entered; null before it ever changed. */
  readonly sinceMs: number | null;
  /** Since when all readings were below what leaves the level; null when the last was not. */
  readonly calmSinceMs: number | null;
}

export const NO_PRESSURE: MemoryPressure = { level: 0, sinceMs: null, calmSinceMs: null };

/**
 * The state after a reading: `used` is the share of the limit, 0 and more. One level at a time,
 * however much is read. A clock set back makes it wait anew.
 */
export function pressureAfter(before: MemoryPressure, used: number, nowMs: number): MemoryPressure {
  const { level, sinceMs } = before;
  const higher = above(level);
  const worked = sinceMs === null || passed(sinceMs, nowMs) >= RISE_MS;
  if (higher !== null && used >= MEMORY_THRESHOLDS[higher].enter) {
    if (worked) return { level: higher, sinceMs: nowMs, calmSinceMs: null };
    return { level, sinceMs: earlier(sinceMs, nowMs), calmSinceMs: null };
  }
  if (level === 0 || used >= MEMORY_THRESHOLDS[level].leave) {
    return { level, sinceMs, calmSinceMs: null };
  }
  const calmSinceMs = earlier(before.calmSinceMs, nowMs);
  if (passed(calmSinceMs, nowMs) < CALM_MS) return { level, sinceMs, calmSinceMs };
  return { level: below(level), sinceMs: nowMs, calmSinceMs: null };
}

const passed = (sinceMs: number, nowMs: number): number => nowMs - sinceMs;
const earlier = (sinceMs: number | null, nowMs: number): number =>
  Math.min(sinceMs ?? nowMs, nowMs);

function above(level: MemoryLevel): 1 | 2 | 3 | null {
  if (level === 3) return null;
  return level === 0 ? 1 : level === 1 ? 2 : 3;
}

function below(level: 1 | 2 | 3): MemoryLevel {
  return level === 1 ? 0 : level === 2 ? 1 : 2;
}

/** What is watched, and who is told. */
export interface MemoryWatchParts {
  /** The share of the limit that is used: 1 when all is. */
  readonly used: () => number;
  readonly clock: Clock;
  /** The level is another one. */
  readonly changed: (level: MemoryLevel, used: number) => void;
  /** Called at each reading while the highest level does not help yet. */
  readonly pressed: () => void;
}

/** Memory is read so often, in ms. */
export const SAMPLE_MS = 1_000;

/** Reads memory once a second from now on; the returned function ends it. */
export function watchMemory({ used, clock, changed, pressed }: MemoryWatchParts): () => void {
  let state = NO_PRESSURE;
  let cancel: () => void = () => {};
  const sample = (): void => {
    const share = used();
    const { level } = state;
    state = pressureAfter(state, share, clock.now());
    schedule();
    if (state.level !== level) changed(state.level, share);
    if (state.level === 3 && state.calmSinceMs === null) pressed();
  };
  const schedule = (): void => {
    cancel = clock.after(SAMPLE_MS, sample);
  };
  schedule();
  return () => cancel();
}
