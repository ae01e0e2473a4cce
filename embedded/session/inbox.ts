import type { FrontendMessage } from '../wire/frontend.ts';

/** Stops and restarts the source of messages; a socket fulfils it. */
export interface Valve {
  pause(): void;
  resume(): void;
}

const PAUSE_ABOVE_BYTES = 1024 * 1024;

interface Entry {
  readonly message: FrontendMessage;
  readonly bytes: number;
}

/**
 * A session's messages in order of arrival. The session takes one at a time and may look at what
 * waits behind; above 1 MiB of waiting messages the source is paused.
 */
export class Inbox {
  readonly #valve: Valve;
  #entries: Entry[] = [];
  #bytes = 0;
  #paused = false;
  #closed = false;
  #wake: (() => void) | undefined;
  #watcher: ((arrival: FrontendMessage | 'closed') => void) | undefined;

  constructor(valve: Valve) {
    this.#valve = valve;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Tells of what waits and of each arrival, until the returned function is called. */
  watch(watcher: (arrival: FrontendMessage | 'closed') => void): () => void {
    for (const { message } of this.#entries) watcher(message);
    if (this.#closed) watcher('closed');
    this.#watcher = watcher;
    return () => {
      this.#watcher = undefined;
    };
  }

  push(message: FrontendMessage, bytes: number): void {
    if (this.#closed) return;
    this.#entries.push({ message, bytes });
    this.#bytes += bytes;
    if (this.#bytes > PAUSE_ABOVE_BYTES && !this.#paused) {
      this.#paused = true;
      this.#valve.pause();
    }
    this.#notify(message);
  }

  /** No message follows; those that wait are still handed out. */
  close(): void {
    this.#closed = true;
    this.#notify('closed');
  }

  /** The next message, `closed` when there will be none, `timeout` after `timeoutMs` in vain. */
  async next(timeoutMs?: number): Promise<FrontendMessage | 'closed' | 'timeout'> {
    if (this.#entries.length === 0 && !this.#closed) await this.#arrival(timeoutMs);
    const entry = this.#entries.shift();
    if (entry === undefined) return this.#closed ? 'closed' : 'timeout';
    this.#bytes -= entry.bytes;
    if (this.#paused && this.#bytes <= PAUSE_ABOVE_BYTES / 2) {
      this.#paused = false;
      this.#valve.resume();
    }
    return entry.message;
  }

  #arrival(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #notify(arrival: FrontendMessage | 'closed'): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#watcher?.(arrival);
  }
}
