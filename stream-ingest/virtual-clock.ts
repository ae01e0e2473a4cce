import type { Clock } from './arrival.ts';

/** A clock for tests: sleeping moves it, and takes no longer than a turn of the event loop. */
export function virtualClock(
  startMs = Date.UTC(2021, 7, 27),
): Clock & { readonly slept: number[] } {
  let now = startMs;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted || ms <= 0) return;
      slept.push(ms);
      now += ms;
    },
  };
}
