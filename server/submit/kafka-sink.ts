import type { Message, Sink, SinkError, SinkState, Written } from './sink.ts';
import type { Topic } from './topic.ts';
import { asSinkError, type Waiting, WriteQueue, type WriteQueueParts } from './write-queue.ts';

/** What writes to Kafka; fulfilled by `kafka/` through an adapter. */
export interface KafkaWriter {
  /** Resolves when all replicas have the messages. */
  send(topic: string, messages: readonly Message[]): Promise<void>;
  /** Resolves when Kafka answers. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export type KafkaSinkParts = Pick<WriteQueueParts, 'after'> & {
  readonly writer: KafkaWriter;
};

/** An absent Kafka is asked for so often. */
const CHECK_MS = 1_000;

/**
 * Writes messages to Kafka under their ids. A message that was sent twice, as its first sending was
 * not answered, stands there twice: the view that archives them counts the first.
 *
 *   open ──a sending fails, or is not answered in time──▶ away ──Kafka answers──▶ open
 */
export class KafkaSink implements Sink {
  readonly #parts: KafkaSinkParts;
  readonly #queue: WriteQueue;
  #away: string | null = null;
  #stopChecking: () => void = () => {};
  #open = true;

  constructor(parts: KafkaSinkParts) {
    this.#parts = parts;
    const { after } = parts;
    this.#queue = new WriteQueue({
      writeAll: (topic, batch) => this.#writeAll(topic, batch),
      after,
      hopeful: () => true,
      // The next sender need not wait as long to hear the same.
      silent: (failure) => void this.#fail(failure),
    });
    void this.#check();
  }

  get state(): SinkState {
    return this.#away === null ? { kind: 'open' } : { kind: 'away', message: this.#away };
  }

  write(topic: Topic, message: Message): Promise<Written> {
    return this.#queue.write(topic, message);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#stopChecking();
    this.#queue.close();
    await this.#parts.writer.close();
  }

  async #writeAll(topic: Topic, batch: readonly Waiting[]): Promise<SinkError | null> {
    const messages = batch.map(({ message }) => message);
    try {
      await this.#parts.writer.send(topic.name, messages);
    } catch (error) {
      return this.#fail(error);
    }
    this.#away = null;
    for (const { resolve } of batch) resolve('written');
    return null;
  }

  #fail(error: unknown): SinkError {
    const failure = asSinkError(error, 'Kafka does not answer');
    const isNew = this.#away === null;
    this.#away = failure.message;
    if (isNew) this.#checkLater();
    return failure;
  }

  /** Never rejects. */
  async #check(): Promise<void> {
    try {
      await this.#parts.writer.check();
      this.#away = null;
    } catch (error) {
      this.#away = asSinkError(error, 'Kafka does not answer').message;
      this.#checkLater();
    }
  }

  #checkLater(): void {
    this.#stopChecking();
    if (this.#open) this.#stopChecking = this.#parts.after(CHECK_MS, () => void this.#check());
  }
}
