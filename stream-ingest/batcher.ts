import type { Clock } from './arrival.ts';
import type { RecentChange } from './recent-change.ts';

/** What was read at a position: a change, or null for what only moves the position. */
export interface Item {
  readonly change: RecentChange | null;
  readonly position: string;
}

/** Items in reading order, never empty; they are stored together with the last one's position. */
export type ItemBatch = readonly Item[];

export interface BatcherOptions {
  /** Resolves when the batch is stored for good; is never called twice at once. */
  readonly write: (batch: ItemBatch) => Promise<void>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Default 1,000. */
  readonly maxItems?: number;
  /** From one batch's start to the next one's, unless a whole batch is waiting. Default 20 ms. */
  readonly spacingMs?: number;
  /** Waiting items above which `add` waits. Default 5,000. */
  readonly maxWaiting?: number;
}

/**
 * Gathers items into batches. One that comes alone is written at once; under load a batch holds what
 * came within the spacing, or while the last one was being written, so that batches grow with the
 * load. The spacing is the engine's tick: writing more often would show nothing sooner.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #maxItems: number;
  readonly #spacingMs: number;
  readonly #maxWaiting: number;
  #waiting: Item[] = [];
  #running: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #full = new AbortController();
  #room: (() => void) | null = null;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#maxItems = options.maxItems ?? 1_000;
    this.#spacingMs = options.spacingMs ?? 20;
    this.#maxWaiting = options.maxWaiting ?? 5_000;
  }

  /** Resolves when there is room for more. Rejects once a write has failed, with its error. */
  async add(item: Item): Promise<void> {
    this.#throwFailure();
    this.#waiting.push(item);
    if (this.#waiting.length >= this.#maxItems) this.#full.abort();
    this.#running ??= this.#run();
    if (this.#waiting.length < this.#maxWaiting) return;
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
    this.#throwFailure();
  }

  /** Resolves when all items have been written; rejects with the error of a failed write. */
  async end(): Promise<void> {
    this.#full.abort();
    await this.#running;
    this.#throwFailure();
  }

  async #run(): Promise<void> {
    const { clock, signal, write } = this.#options;
    try {
      // Lets the events of one read of the socket come together before the first batch starts.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#waiting.length > 0 && !signal.aborted) {
        await clock.sleep(this.#lastStartMs + this.#spacingMs - clock.now(), this.#full.signal);
        if (signal.aborted) break;
        this.#lastStartMs = clock.now();
        await write(this.#take());
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#running = null;
      this.#makeRoom();
    }
  }

  #take(): ItemBatch {
    const batch = this.#waiting.slice(0, this.#maxItems);
    this.#waiting = this.#waiting.slice(this.#maxItems);
    if (this.#waiting.length < this.#maxItems) this.#full = new AbortController();
    if (this.#waiting.length < this.#maxWaiting) this.#makeRoom();
    return batch;
  }

  #makeRoom(): void {
    this.#room?.();
    this.#room = null;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
