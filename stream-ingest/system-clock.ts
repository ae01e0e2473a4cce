import type { Clock } from './arrival.ts';

const longestTimerMs = 2 ** 31 - 1;

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, Math.min(ms, longestTimerMs));
    signal.addEventListener('abort', finish, { once: true });
  });
}

/** The machine's clock and timers. A sleep is at most 24.8 days, a timer's limit. */
export const systemClock: Clock = { now: () => Date.now(), sleep };
