import type { Feeds } from './feeds.ts';
import type { TimeFloor } from './time-floor.ts';

export interface TickerOptions {
  readonly feeds: Pick<Feeds, 'size' | 'restMs' | 'needsTick' | 'passTime' | 'tick' | 'retireIdle'>;
  readonly floor: Pick<TimeFloor, 'isReached' | 'raise'>;
  /** A turn for the engine's own work. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>;
  /** From the end of a tick to the next at the earliest, in ms. */
  readonly tickMs: number;
  /** From one look after the quiet feeds to the next, in ms. */
  readonly idleMs: number;
}

/**
 * When ticks happen. After a rest a change is published at once: a lone one is not kept waiting for
 * company. In a rush, ticks rest between them and what was committed meanwhile goes out together.
 * Once in `idleMs` the quiet feeds are told that time passes.
 */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #idleTimer: NodeJS.Timeout;
  #tickTimer: NodeJS.Timeout | undefined;
  /** When the last tick ended, by the process's own clock. */
  #tickedAt = Number.NEGATIVE_INFINITY;
  /** Something was committed that no tick has published. */
  #isDirty = false;
  #isStopped = false;
  #idleTurn: Promise<void> | undefined;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#idleTimer = setInterval(() => this.#idle(), options.idleMs);
  }

  /** Something was committed: a tick is to follow. */
  changed(): void {
    const { feeds, tickMs } = this.#options;
    this.#isDirty = true;
    if (this.#isStopped || feeds.size === 0) return;
    const pauseMs = this.#tickedAt + tickMs - performance.now();
    const waitMs = Math.max(0, pauseMs, feeds.restMs);
    this.#tickTimer ??= setTimeout(() => this.#startTick(), waitMs);
  }

  /** Publishes all that was committed. In a turn. */
  async tick(): Promise<void> {
    await this.publishing(() => this.#options.feeds.tick());
    this.#tickedAt = performance.now();
  }

  /** Runs work that publishes all that was committed, as a new reader's start does. In a turn. */
  async publishing<T>(work: () => Promise<T>): Promise<T> {
    await this.#options.floor.raise();
    this.#isDirty = false;
    return work();
  }

  /** No tick starts any more by itself. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#idleTimer);
    clearTimeout(this.#tickTimer);
  }

  #startTick(): void {
    this.#tickTimer = undefined;
    this.#report(this.#options.turn(() => this.tick()));
  }

  /** Progress for the quiet ones, and an end for the feeds nobody reads. */
  #idle(): void {
    if (this.#idleTurn !== undefined || this.#isStopped) return;
    const { feeds, floor } = this.#options;
    const isForgotten = this.#isDirty && this.#tickTimer === undefined;
    const isDue = isForgotten || feeds.needsTick || floor.isReached;
    if (!isDue) feeds.passTime();
    this.#idleTurn = this.#options
      .turn(async () => {
        if (isDue) await this.tick();
        await feeds.retireIdle();
      })
      .finally(() => {
        this.#idleTurn = undefined;
      });
    this.#report(this.#idleTurn);
  }

  /** Work of the ticker's own that fails once it is stopped is no news; otherwise it is a bug. */
  #report(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#isStopped) throw error;
    });
  }
}
