import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { readTopicSchemas } from '../avro/topic-schemas.ts';
import { type Kafka, kafkaClient } from '../kafka/kafka.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import { Registry } from '../kafka/registry.ts';
import { TopicDecoder } from '../kafka/topic-codec.ts';
import { endsOf } from '../kafka/topics.ts';
import { type KafkaLocal, startKafkaLocal } from '../scripts/kafka-local/kafka-local.ts';
import { generatedChange } from '../stream-ingest/generated-change.ts';
import { Part } from './part.ts';
import type { StandInEvent } from './wikimedia-stand-in.ts';

/** Invented events in the shape of Wikimedia's, 30 ms apart, which nobody made. */
export function inventedEvents(count: number): readonly StandInEvent[] {
  return Array.from({ length: count }, (_, n) => {
    const atMs = Date.UTC(2026, 0, 1) + 30 * n;
    return { json: generatedChange(7, n, atMs), atMs };
  });
}

/** The `meta.id`s of events, sorted. */
export function idsOf(events: readonly StandInEvent[]): readonly string[] {
  return events.map(({ json }) => String(JSON.parse(json).meta.id)).sort();
}

/** A real Kafka with a real registry, and ingest processes that write to it. */
export class KafkaIngest {
  readonly local: KafkaLocal;
  readonly #folder = mkdtempSync(join(tmpdir(), 'viewcast-ingest-kafka-'));
  #parts: Part[] = [];

  private constructor(local: KafkaLocal) {
    this.local = local;
  }

  static async start(): Promise<KafkaIngest> {
    return new KafkaIngest(await startKafkaLocal());
  }

  get kafka(): Kafka {
    const log = pino({ level: 'silent' });
    return kafkaClient({ brokers: this.local.broker.address, clientId: 'test', log });
  }

  get registry(): Registry {
    return new Registry({ url: this.local.registry.url });
  }

  deadLetters(topic: string): string {
    return join(this.#folder, `${topic}.jsonl`);
  }

  /** An ingest process. @param url the stand-in's. */
  ingest(topic: string, url: string): Part {
    const part = new Part('stream-ingest/main.ts', {
      VIEWCAST_KAFKA: this.local.broker.address,
      VIEWCAST_REGISTRY: this.local.registry.url,
      VIEWCAST_TOPIC: topic,
      VIEWCAST_STREAM_URL: url,
      VIEWCAST_DEAD_LETTERS: this.deadLetters(topic),
    });
    this.#parts.push(part);
    return part;
  }

  /** How far the topic's offsets have come, ends of transactions included; 0 while Kafka is away. */
  async produced(topic: string): Promise<number> {
    const ends = await endsOf(this.kafka, topic).catch(() => []);
    return ends.reduce((sum, { end }) => sum + end, 0);
  }

  /** Whether committed transactions hold so many messages by now; no while Kafka is away. */
  async holds(topic: string, count: number): Promise<boolean> {
    const ids = await this.committedIds(topic).catch(() => []);
    return ids.length >= count;
  }

  /** The ids that a reader of committed transactions gets, sorted; twice what is there twice. */
  async committedIds(topic: string): Promise<readonly string[]> {
    const { value } = await readTopicSchemas('recentchange');
    const decoder = new TopicDecoder(this.registry, value);
    const messages: Buffer[] = [];
    await readToEnd(this.kafka, topic, (batch) => {
      for (const message of batch.messages) messages.push(message.value ?? Buffer.of());
    });
    await decoder.prepare(messages);
    return messages.map((message) => String(Object(decoder.decode(message)).meta_id)).sort();
  }

  async killAll(): Promise<void> {
    for (const part of this.#parts) await part.kill();
    this.#parts = [];
  }

  async stop(): Promise<void> {
    await this.killAll();
    await this.local.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
