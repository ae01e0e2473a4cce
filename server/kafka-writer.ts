import type { Logger } from 'pino';
import type { TopicSchemas } from '../avro/topic-schemas.ts';
import { kafkaClient } from '../kafka/kafka.ts';
import type { KafkaLogin } from '../kafka/login.ts';
import { IdempotentProducer } from '../kafka/producer.ts';
import { Registry } from '../kafka/registry.ts';
import { registerTopic, type TopicEncoder } from '../kafka/topic-codec.ts';
import { ensureTopics, eventTopic } from '../kafka/topics.ts';
import type { KafkaWriter } from './submit/kafka-sink.ts';

export interface KafkaWriterOptions {
  /** host:port, by commas. */
  readonly brokers: string;
  readonly login: KafkaLogin;
  /** A URL. */
  readonly registry: string;
  readonly topics: readonly TopicSchemas[];
  readonly log: Logger;
}

/** Messages are kept for ever: the archive is made of them. */
const FOR_EVER = -1;

/** Writes messages of these topics, framed under the registry's ids, by an idempotent producer. */
export function openKafkaWriter({
  brokers,
  login,
  registry,
  topics,
  log,
}: KafkaWriterOptions): KafkaWriter {
  const kafka = kafkaClient({ ...login, brokers, clientId: 'viewcast-messages', log });
  const schemas = new Registry({ url: registry });
  const encoders = new Map<string, Promise<TopicEncoder>>();
  let producer = new IdempotentProducer(kafka);

  const encoderOf = (name: string): Promise<TopicEncoder> => {
    const known = encoders.get(name);
    if (known !== undefined) return known;
    const topic = topics.find((one) => one.topic === name);
    if (topic === undefined) throw new Error(`no schemas of a topic ${name} were read`);
    const encoder = registerTopic(schemas, topic);
    encoders.set(name, encoder);
    encoder.catch(() => encoders.delete(name));
    return encoder;
  };

  return {
    async send(name, messages) {
      const encoder = await encoderOf(name);
      const outgoing = messages.map(({ id, value }) => ({
        topic: name,
        key: encoder.key({ [keyFieldOf(topics, name)]: id }),
        value: encoder.value(value),
      }));
      try {
        await producer.send(outgoing);
      } catch (error) {
        // After an error it may be of no more use.
        void producer.close().catch(() => {});
        producer = new IdempotentProducer(kafka);
        throw error;
      }
    },
    async check() {
      await ensureTopics(
        kafka,
        topics.map(({ topic }) => eventTopic(topic, 1, FOR_EVER)),
      );
      for (const { topic } of topics) await encoderOf(topic);
    },
    close: () => producer.close(),
  };
}

function keyFieldOf(topics: readonly TopicSchemas[], name: string): string {
  const definition: unknown = topics.find(({ topic }) => topic === name)?.key.definition;
  const fields: unknown = definition instanceof Object ? Reflect.get(definition, 'fields') : null;
  const [field]: readonly unknown[] = Array.isArray(fields) ? fields : [];
  return field instanceof Object ? String(Reflect.get(field, 'name')) : 'key';
}
