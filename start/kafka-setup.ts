import { pino } from 'pino';
import { listTopics, readTopicSchemas } from '../avro/topic-schemas.ts';
import { kafkaClient } from '../kafka/kafka.ts';
import type { KafkaLogin } from '../kafka/login.ts';
import { Registry } from '../kafka/registry.ts';
import { registerTopic } from '../kafka/topic-codec.ts';
import { ensureTopics, eventTopic } from '../kafka/topics.ts';
import { changeTopics } from '../stream-ingest/kafka-access.ts';
import { messageOf } from './message-of.ts';
import type { KafkaAddresses } from './sql-sources.ts';

/** The topic of stream-ingest. */
const CHANGES = 'recentchange';
/** Messages of people are an archive. */
const FOR_EVER = -1;

/**
 * Puts in place what must be there before a source is created: the schemas of all topics in
 * `schemas` registered, as columns are read from them once, and the topics themselves. Returns the
 * topics. What is there already stays as it is.
 *
 * @throws Error in words when the registry or Kafka is away, or a schema cannot follow the one that
 *   is registered.
 */
export async function setUpKafka(
  { kafka, registry }: KafkaAddresses,
  schemas: string,
  { ssl, sasl }: KafkaLogin,
): Promise<readonly string[]> {
  const log = pino({ level: 'silent' });
  const topics = await listTopics(schemas);
  const client = new Registry({ url: registry });
  for (const topic of topics) await registerTopic(client, await readTopicSchemas(topic, schemas));
  await ensureTopics(kafkaClient({ brokers: kafka, clientId: 'viewcast-sql', log, ssl, sasl }), [
    ...topics.filter((topic) => topic !== CHANGES).map((topic) => eventTopic(topic, 1, FOR_EVER)),
    ...changeTopics(CHANGES),
  ]).catch((error: unknown) => {
    const reason = messageOf(error);
    throw new Error(`Kafka at ${kafka} cannot be asked for its topics: ${reason}`, {
      cause: error,
    });
  });
  return topics;
}
