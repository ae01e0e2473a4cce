import type { TopicSchemas } from '../avro/topic-schemas.ts';
import type { Kafka } from '../kafka/kafka.ts';
import { type Outgoing, TransactionalProducer } from '../kafka/producer.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import type { Registry } from '../kafka/registry.ts';
import { registerTopic, type TopicEncoder } from '../kafka/topic-codec.ts';
import { compactedTopic, ensureTopics, eventTopic, type TopicWish } from '../kafka/topics.ts';
import type { PositionRecord } from './position-log.ts';

/** A time in which this process alone writes. */
export interface Term {
  /** Resolves when all is committed. Rejects when that is not certain, which ends the term. */
  write(messages: readonly Outgoing[]): Promise<void>;
  close(): Promise<void>;
}

/** What a KafkaSink asks of Kafka and the registry. Everything may fail, and be asked again. */
export interface KafkaAccess {
  /** Makes the topics and registers the schemas. @throws {RegistryError} also `incompatible`. */
  prepare(): Promise<TopicEncoder>;
  /** Puts any other writer out of office and ends what it left open. */
  takeOffice(): Promise<Term>;
  /** The position topic as committed transactions leave it, oldest first. */
  readPosition(): Promise<readonly PositionRecord[]>;
}

/** So many for pages to spread over, each page in one. */
const partitions = 4;

/** The topic that holds where the input of `topic` stands. */
export function positionTopicOf(topic: string): string {
  return `${topic}-position`;
}

/** The topic of changes and that of positions, as they are made. */
export function changeTopics(topic: string): readonly TopicWish[] {
  return [eventTopic(topic, partitions), compactedTopic(positionTopicOf(topic))];
}

/** Real Kafka. @param schemas the pair under the topic's own name. */
export function kafkaAccess(
  kafka: Kafka,
  registry: Registry,
  schemas: TopicSchemas,
  signal: AbortSignal,
): KafkaAccess {
  const { topic } = schemas;
  const positionTopic = positionTopicOf(topic);
  return {
    prepare: async () => {
      await ensureTopics(kafka, changeTopics(topic));
      return await registerTopic(registry, schemas);
    },
    takeOffice: () => TransactionalProducer.open(kafka, `viewcast-ingest-${topic}`),
    readPosition: async () => {
      const records: PositionRecord[] = [];
      await readToEnd(
        kafka,
        positionTopic,
        ({ messages }) => {
          for (const { key, value } of messages) {
            if (value !== null) records.push({ key: String(key), value: String(value) });
          }
        },
        signal,
      );
      return records;
    },
  };
}
