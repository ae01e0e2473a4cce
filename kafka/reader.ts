import { randomUUID } from 'node:crypto';
import type { Batch, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { codeOf } from './errors.ts';

/** A message as it stands in a partition. */
export interface KafkaMessage {
  readonly offset: number;
  readonly key: Buffer | null;
  /** Null deletes the key in a compacted topic. */
  readonly value: Buffer | null;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** Messages of one partition in their order, never empty. */
export interface MessageBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  /** Where to go on after this batch; beyond the last message where a transaction ended there. */
  readonly next: number;
}

export interface ReaderOptions {
  readonly kafka: Kafka;
  readonly topics: readonly string[];
  /** The offset to begin at; asked once for each partition that there is. */
  readonly from: (topic: string, partition: number) => number;
  /** Called for one batch at a time; nothing is read ahead of it but what was fetched already. */
  readonly onBatch: (batch: MessageBatch) => Promise<void>;
  /** The reader has ended by itself: Kafka is away, the topic is gone, or `onBatch` threw. */
  readonly onFailure: (error: unknown) => void;
  /** Everything before `next` has been read or is not for us. Default: nothing. */
  readonly onPosition?: (topic: string, partition: number, next: number) => void;
  /** How long the broker waits for messages, hence also how long `close` may take. Default 500. */
  readonly maxWaitMs?: number;
}

/** A reader that runs until it is closed or fails. */
export interface Reader {
  /** Resolves when no further batch comes; one under way is waited for. Idempotent. */
  close(): Promise<void>;
}

const heartbeatMs = 3_000;

/**
 * Reads topics as committed transactions leave them, from offsets that the caller keeps. kafkajs
 * reads in groups alone, so each reader is a group of its own and commits nothing; whenever the
 * group forms anew, each partition is taken up where this reader stands.
 *
 * @throws when Kafka cannot be reached.
 */
export async function openReader(options: ReaderOptions): Promise<Reader> {
  for (let attempt = 1; ; attempt += 1) {
    const run = new ReaderRun(options);
    try {
      await run.start();
      return run;
    } catch (error) {
      // A broker that has just started; kafkajs gives up at once.
      if (!loading.includes(codeOf(error)) || attempt >= attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const loading = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
];
const attempts = 25;
const pauseMs = 200;

class ReaderRun implements Reader {
  readonly #options: ReaderOptions;
  readonly #consumer: Consumer;
  readonly #next = new Map<string, number>();
  #started = false;
  /** What ended kafkajs's consumer before it had started. */
  #crash: { readonly error: unknown } | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#consumer = options.kafka.consumer({
      groupId: `viewcast-${randomUUID()}`,
      readUncommitted: false,
      maxWaitTimeInMs: options.maxWaitMs ?? 500,
      maxBytesPerPartition: 4 * 2 ** 20,
      sessionTimeout: 30_000,
      heartbeatInterval: heartbeatMs,
      retry: { restartOnFailure: async () => false },
    });
  }

  async start(): Promise<void> {
    const consumer = this.#consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
        for (const partition of partitions) this.#seek(topic, partition);
      }
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // Also for what holds no message for us, such as the end of a transaction.
      this.#advance(payload.topic, payload.partition, Number(payload.lastOffset) + 1);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (this.#started) this.#fail(payload.error);
      else this.#crash = { error: payload.error };
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatch: (payload) => this.#take(payload) });
      // kafkajs resolves all the same when the consumer could not join its group.
      if (this.#crash !== null) throw this.#crash.error;
      this.#started = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#consumer.disconnect();
    await this.#closing;
  }

  #seek(topic: string, partition: number): void {
    const key = `${topic}/${partition}`;
    const offset = this.#next.get(key) ?? this.#options.from(topic, partition);
    this.#next.set(key, offset);
    this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  async #take({ batch, heartbeat }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const next = Number(batch.lastOffset()) + 1;
    const messages = messagesOf(batch, this.#next.get(`${topic}/${partition}`) ?? 0);
    if (messages.length > 0 && this.#closing === null) {
      const beat = setInterval(() => heartbeat().catch(() => {}), heartbeatMs);
      try {
        await this.#options.onBatch({ topic, partition, messages, next });
      } catch (error) {
        this.#fail(error);
        throw error;
      } finally {
        clearInterval(beat);
      }
    }
    this.#advance(topic, partition, next);
  }

  #advance(topic: string, partition: number, next: number): void {
    const key = `${topic}/${partition}`;
    if (next <= (this.#next.get(key) ?? 0)) return;
    this.#next.set(key, next);
    this.#options.onPosition?.(topic, partition, next);
  }

  #fail(error: unknown): void {
    if (this.#closing !== null) return;
    void this.close().catch(() => {});
    this.#options.onFailure(error);
  }
}

function messagesOf(batch: Batch, from: number): readonly KafkaMessage[] {
  const messages: KafkaMessage[] = [];
  for (const { offset, key, value, timestamp } of batch.messages) {
    const at = Number(offset);
    if (at < from) continue;
    messages.push({ offset: at, key, value, timestampMs: Number(timestamp) });
  }
  return messages;
}
