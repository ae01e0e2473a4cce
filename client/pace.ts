import type { Limits } from '../protocol/message.ts';
import type { Voice } from './talk.ts';

/** What messages sent in may use of a connection's burst and rate: the rest is for subscriptions. */
const BURST_SHARE = 0.5;
const RATE_SHARE = 0.75;

/**
 * Keeps to the rate that a server allows a connection, without looking at a clock: what may be said
 * at once is a number, which timers fill up again.
 */
export class Pace {
  readonly #ready: () => void;
  #most = 0;
  #stepMs = 0;
  #left = 0;
  #cancel: (() => void) | null = null;

  /** @param ready called whenever one more message may be said after `take` said no */
  constructor(ready: () => void) {
    this.#ready = ready;
  }

  /** A connection begins, with its whole burst. */
  begin({ messageBurst, messagesPerSecond }: Limits): void {
    this.stop();
    this.#most = Math.max(1, Math.floor(messageBurst * BURST_SHARE));
    this.#stepMs = Math.ceil(1_000 / (messagesPerSecond * RATE_SHARE));
    this.#left = this.#most;
  }

  /** Whether one more message may be said now; it is then counted. */
  take(voice: Voice): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    this.#cancel ??= this.#refill(voice);
    return true;
  }

  /** Ends its timer. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#left = 0;
  }

  #refill(voice: Voice): () => void {
    return voice.after(this.#stepMs, () => {
      this.#left += 1;
      this.#cancel = this.#left < this.#most ? this.#refill(voice) : null;
      this.#ready();
    });
  }
}
