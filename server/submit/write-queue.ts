import { type Message, SinkError, type Written } from './sink.ts';
import type { Topic } from './topic.ts';

/** A message that waits to be written. */
export interface Waiting {
  readonly message: Message;
  /** Whether its sender was told that nothing is known of it. */
  readonly isGivenUp: () => boolean;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: Error) => void;
}

export interface WriteQueueParts {
  /** Answers each of them, or returns why nothing can be said of those that it did not answer. */
  readonly writeAll: (topic: Topic, batch: readonly Waiting[]) => Promise<SinkError | null>;
  /** Runs `run` after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Whether trying again may help. */
  readonly hopeful: () => boolean;
  /** Told when a message was given up as nothing answered in time. */
  readonly silent?: (failure: SinkError) => void;
}

/** So many go at once. */
const MOST_AT_ONCE = 500;
/** What was killed is back within that time; longer, a sender is not kept waiting. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;
const SILENT = `where messages go does not answer: nothing was heard for ${PATIENCE_MS / 1_000} s`;

/** Messages of each topic, written many at once: what comes while some are written goes next. */
export class WriteQueue {
  readonly #parts: WriteQueueParts;
  readonly #queues = new Map<Topic, Waiting[]>();
  /** Why the last writing to a topic failed. */
  readonly #failures = new Map<Topic, SinkError>();
  #pauses = new Set<() => void>();
  #open = true;

  constructor(parts: WriteQueueParts) {
    this.#parts = parts;
  }

  /** @throws {SinkError} when it is not known after 5 s whether the message was written. */
  write(topic: Topic, message: Message): Promise<Written> {
    return new Promise((resolve, reject) => {
      let givenUp = false;
      // What is behind may also keep silent for longer than that.
      const cancel = this.#parts.after(PATIENCE_MS, () => {
        givenUp = true;
        const failure = this.#failures.get(topic) ?? new SinkError(SILENT);
        this.#parts.silent?.(failure);
        reject(failure);
      });
      this.#add(topic, {
        message,
        isGivenUp: () => givenUp,
        resolve: (written) => {
          cancel();
          resolve(written);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
    });
  }

  /** Gives up what is being written. */
  close(): void {
    this.#open = false;
    for (const end of this.#pauses) end();
  }

  #add(topic: Topic, waiting: Waiting): void {
    const queue = this.#queues.get(topic);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    this.#queues.set(topic, [waiting]);
    void this.#run(topic);
  }

  /** Writes what waits for a topic until nothing does. Never rejects. */
  async #run(topic: Topic): Promise<void> {
    const queue = this.#queues.get(topic) ?? [];
    while (queue.length > 0) {
      const batch = queue.splice(0, MOST_AT_ONCE).filter((one) => !one.isGivenUp());
      if (batch.length === 0) continue;
      const failure = await this.#parts.writeAll(topic, batch);
      if (failure === null) {
        this.#failures.delete(topic);
        continue;
      }
      this.#failures.set(topic, failure);
      if (this.#open && this.#parts.hopeful()) queue.unshift(...batch);
      else for (const one of batch) one.reject(failure);
      if (queue.length > 0) await this.#pause();
    }
    this.#queues.delete(topic);
    this.#failures.delete(topic);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#parts.after(RETRY_MS, end);
      this.#pauses.add(end);
    });
  }
}

/** The error as one of the sink, told with what could not be done. */
export function asSinkError(error: unknown, what: string): SinkError {
  if (error instanceof SinkError) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  return new SinkError(`${what}: ${message}`, { cause: error });
}
