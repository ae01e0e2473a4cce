/** Time and timers, passed in so that tests decide them. */
export interface Clock {
  /** Wall-clock time in ms since the epoch; it may jump. */
  now(): number;
  /**
   * Runs `run` once after `ms`, at most {@link MAX_TIMER_MS}; the returned function calls it off
   * and may be called at any time.
   */
  after(ms: number, run: () => void): () => void;
}

/** The longest timer of the platform: a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const machineClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
