import { once } from 'node:events';
import { frame } from '../../avro/frame.ts';
import { parseSchema } from '../../avro/schema.ts';
import {
  type KafkaAccess,
  type Message,
  type SchemaRegistry,
  TopicReplaced,
  type TopicRequest,
} from './access.ts';

/** For tests: topics and a registry in memory that can go away, and bring messages twice. */
export class MemoryTopics implements KafkaAccess {
  readonly #topics = new Map<string, Message[][]>();
  readonly #schemas: string[] = [];
  readonly #subjects = new Map<string, number>();
  readonly #events = new EventTarget();
  /** Why the broker does not answer; null while it does. */
  brokerAway: string | null = null;
  registryAway: string | null = null;
  /** Largest batch. */
  batch = 100;
  /** How many messages before the place asked for come again, as after a rebalance. */
  repeat = 0;

  /** Registers a schema and returns its id. */
  register(subject: string, schema: object): number {
    this.#schemas.push(JSON.stringify(schema));
    this.#subjects.set(subject, this.#schemas.length);
    return this.#schemas.length;
  }

  /** A value as the producers write it. */
  encode(id: number, value: unknown): Buffer {
    return frame(id, parseSchema(this.#schemas[id - 1] ?? '').encode(value));
  }

  append(topic: string, message: Partial<Message>, partition = 0): void {
    const log = this.#partition(topic, partition);
    const offset = BigInt(log.length);
    log.push({ timestampMs: 0, key: null, value: null, ...message, offset });
    this.#wake();
  }

  /** Lets the broker go away or come back. */
  away(reason: string | null): void {
    this.brokerAway = reason;
    this.#wake();
  }

  /** The topic begins anew, as after it was deleted. */
  recreate(topic: string): void {
    this.#topics.set(topic, [[]]);
    this.#wake();
  }

  #wake(): void {
    this.#events.dispatchEvent(new Event('change'));
  }

  #partition(topic: string, partition: number): Message[] {
    const partitions = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, partitions);
    while (partitions.length <= partition) partitions.push([]);
    return partitions[partition] ?? [];
  }

  async read(request: TopicRequest): Promise<void> {
    const { topic, from, signal, onReading, onBatch } = request;
    const next = new Map(from);
    let hasBegun = false;
    while (!signal.aborted) {
      if (this.brokerAway !== null) throw new Error(this.brokerAway);
      if (!hasBegun) onReading();
      hasBegun = true;
      let isIdle = true;
      for (const [partition, log] of (this.#topics.get(topic) ?? []).entries()) {
        const asked = Number(next.get(partition) ?? 0n);
        if (asked > log.length) throw new TopicReplaced(`the topic ends before offset ${asked}`);
        const messages = log.slice(Math.max(0, asked - this.repeat), asked + this.batch);
        if (log.length === asked) continue;
        isIdle = false;
        const after = BigInt(Math.min(log.length, asked + this.batch));
        await onBatch({ partition, messages, next: after });
        next.set(partition, after);
      }
      if (isIdle) await once(this.#events, 'change', { signal }).catch(() => {});
    }
  }

  registry(): SchemaRegistry {
    return {
      latest: async (subject) => {
        this.#answer();
        const schema = this.#schemas[(this.#subjects.get(subject) ?? 0) - 1];
        return schema === undefined ? null : { schema };
      },
      byId: async (id) => {
        this.#answer();
        const schema = this.#schemas[id - 1];
        if (schema === undefined) throw new Error(`no schema ${id}`);
        return schema;
      },
    };
  }

  #answer(): void {
    if (this.registryAway !== null) throw new Error(this.registryAway);
  }
}
