import type { Frontier } from '../protocol/update.ts';
import { Pace } from './pace.ts';
import { type StreamEnvironment, type StreamState, ViewStream } from './stream.ts';
import type { Row } from './stream-message.ts';
import { ViewRows } from './view-rows.ts';

/** What a feed needs from outside. */
export interface FeedEnvironment extends StreamEnvironment {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
}

/**
 * One view as the page follows it: its stream, the rows it holds, and how much of that has not been
 * drawn yet. The typed client can take the place of what is in here.
 */
export class ViewFeed {
  readonly #rows = new ViewRows();
  readonly #pace = new Pace();
  readonly #stream: ViewStream;
  #state: StreamState = 'connecting';
  #timestamp: Frontier | undefined;
  #behind = 0;
  #lastBatchMs: number;

  /** @param changed called after every batch and every change of state */
  constructor(environment: FeedEnvironment, changed: () => void) {
    this.#lastBatchMs = environment.now();
    this.#stream = new ViewStream(
      {
        batch: (message) => {
          this.#rows.take(message);
          this.#timestamp = message.timestamp;
          this.#behind += 1;
          this.#lastBatchMs = environment.now();
          this.#pace.beat(this.#lastBatchMs);
          changed();
        },
        state: (state) => {
          this.#state = state;
          changed();
        },
      },
      environment,
    );
  }

  get state(): StreamState {
    return this.#state;
  }

  /** The frontier of the rows; undefined before the first snapshot. */
  get timestamp(): Frontier | undefined {
    return this.#timestamp;
  }

  /** Batches since `takeRows` was last called. */
  get behind(): number {
    return this.#behind;
  }

  /** The usual time between two batches, in ms. */
  get intervalMs(): number {
    return this.#pace.intervalMs;
  }

  /** When the last batch arrived, on the environment's clock; before the first, when it began. */
  get lastBatchMs(): number {
    return this.#lastBatchMs;
  }

  /** All rows as of `timestamp`, to be drawn now. */
  takeRows(): Row[] {
    this.#behind = 0;
    return this.#rows.list();
  }

  /** Ends a wait for the next attempt. */
  wake(): void {
    this.#stream.wake();
  }

  /** Asks for a new snapshot over a new connection. */
  restart(): void {
    this.#stream.restart();
  }
}
