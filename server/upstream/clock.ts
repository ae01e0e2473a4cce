/** Time and timers, passed in so that tests decide them. */
export interface Clock {
  /** Wall-clock time in ms since the epoch. */
  now(): number;
  /** Runs `run` once after `ms`; the returned function calls it off and may be called at any time. */
  after(ms: number, run: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Fires once when nothing was heard for `limitMs`, and again only after something was heard. It
 * keeps at most one timer however often it hears.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #limitMs: number;
  #heardAt: number;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(clock: Clock, limitMs: number, fire: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#fire = fire;
    this.#heardAt = clock.now();
    this.#arm(limitMs);
  }

  /** Something was heard just now; with `limitMs`, the patience from now on. */
  heard(limitMs: number = this.#limitMs): void {
    const shorter = limitMs < this.#limitMs;
    this.#limitMs = limitMs;
    this.#heardAt = this.#clock.now();
    if (shorter) this.#disarm();
    if (this.#cancel === null && !this.#stopped) this.#arm(limitMs);
  }

  /** Ends it; idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => this.#check());
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #check(): void {
    this.#cancel = null;
    // A wall clock set back must not make the silence longer than the limit.
    const passedMs = Math.max(0, this.#clock.now() - this.#heardAt);
    if (passedMs < this.#limitMs) this.#arm(this.#limitMs - passedMs);
    else this.#fire();
  }
}
