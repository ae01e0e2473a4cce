import { CompressionTypes, type Kafka, type Producer } from 'kafkajs';
import { partitioner } from './kafka.ts';

/** A message to be sent. */
export interface Outgoing {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Bytes before compression that go out at once: a broker takes a megabyte by default. */
const longestSend = 700_000;

/** Cuts messages into sends of bounded size, in order. Pure. */
export function cutBySize(
  messages: readonly Outgoing[],
  longest = longestSend,
): readonly (readonly Outgoing[])[] {
  const sends: Outgoing[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const size = message.key.length + message.value.length + 32;
    if (bytes + size > longest) {
      sends.push([]);
      bytes = 0;
    }
    bytes += size;
    sends.at(-1)?.push(message);
  }
  return sends;
}

/** As kafkajs takes them: by topic. */
function byTopic(messages: readonly Outgoing[]) {
  const topics = new Map<string, { key: Buffer; value: Buffer }[]>();
  for (const { topic, key, value } of messages) {
    const list = topics.get(topic) ?? [];
    topics.set(topic, list);
    list.push({ key, value });
  }
  return [...topics].map(([topic, list]) => ({ topic, messages: list }));
}

/**
 * Sends messages for good: acknowledged by all replicas, and however often kafkajs has to repeat a
 * send, the broker keeps it once.
 *
 * One send at a time, and a new producer after each failure: kafkajs takes back the numbers of a
 * send that was not answered, so that another one under the same numbers would be taken for its
 * repetition, and acknowledged without being stored.
 */
export class IdempotentProducer {
  readonly #kafka: Kafka;
  #producer: Promise<Producer> | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /**
   * Resolves when the messages are stored, with the offset of the first one sent to each topic.
   *
   * @throws when they are not known to be; sending them again may double them then.
   */
  async send(messages: readonly Outgoing[]): Promise<ReadonlyMap<string, number>> {
    const mine = this.#turn.then(() => this.#send(messages));
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await (await producer)?.disconnect();
  }

  async #send(messages: readonly Outgoing[]): Promise<ReadonlyMap<string, number>> {
    this.#producer ??= this.#open();
    try {
      const sent = await (await this.#producer).sendBatch({
        topicMessages: byTopic(messages),
        acks: -1,
        compression: CompressionTypes.GZIP,
      });
      return new Map(sent.map(({ topicName, baseOffset }) => [topicName, Number(baseOffset)]));
    } catch (error) {
      void this.close().catch(() => {});
      throw error;
    }
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: partitioner,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
    });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
  }
}

/**
 * Writes in transactions under a name of which one producer at a time holds office: the newest.
 * After any error it is of no more use: whether the last transaction stands is known to whoever
 * opens the next producer and reads.
 */
export class TransactionalProducer {
  readonly #producer: Producer;

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  /**
   * Takes office: what an older producer of this name left open is ended, and it can write no more.
   *
   * @throws when Kafka cannot be reached.
   */
  static async open(kafka: Kafka, transactionalId: string): Promise<TransactionalProducer> {
    const producer = kafka.producer({
      transactionalId,
      transactionTimeout: 20_000,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: partitioner,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 5 },
    });
    try {
      await producer.connect();
      // kafkajs takes office with the first transaction, not with the connection.
      await (await producer.transaction()).abort();
      return new TransactionalProducer(producer);
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
  }

  /** Resolves when all messages are committed. @throws when that is not certain. */
  async write(messages: readonly Outgoing[]): Promise<void> {
    const transaction = await this.#producer.transaction();
    for (const send of cutBySize(messages)) {
      await transaction.sendBatch({
        topicMessages: byTopic(send),
        acks: -1,
        compression: CompressionTypes.GZIP,
      });
    }
    await transaction.commit();
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }
}
