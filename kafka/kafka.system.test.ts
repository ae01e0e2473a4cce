import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AvroError } from '../avro/avro-error.ts';
import { parseSchema } from '../avro/schema.ts';
import { type KafkaLocal, startKafkaLocal } from '../scripts/kafka-local/kafka-local.ts';
import { kafkaSkipped } from '../scripts/kafka-local/tools.ts';
import { isFenced } from './errors.ts';
import { kafkaClient } from './kafka.ts';
import { TransactionalProducer } from './producer.ts';
import { readToEnd } from './read-to-end.ts';
import { Registry, RegistryError } from './registry.ts';
import { registerTopic, TopicDecoder } from './topic-codec.ts';
import { compactedTopic, endsOf, ensureTopics, eventTopic } from './topics.ts';

describe.skipIf(kafkaSkipped !== null)(`a real Kafka (${kafkaSkipped ?? 'found'})`, () => {
  let local: KafkaLocal;
  beforeAll(async () => {
    local = await startKafkaLocal();
  }, 180_000);
  afterAll(() => local?.stop());

  const log = pino({ level: 'silent' });
  const client = () => kafkaClient({ brokers: local.broker.address, clientId: 'test', log });
  const registry = (attempts = 4) => new Registry({ url: local.registry.url, attempts });

  async function freshTopic(): Promise<string> {
    const topic = `test-${randomUUID()}`;
    await ensureTopics(client(), [eventTopic(topic, 1)]);
    return topic;
  }
  const message = (topic: string, text: string) => ({
    topic,
    key: Buffer.from('k'),
    value: Buffer.from(text),
  });
  async function contents(topic: string): Promise<readonly string[]> {
    const texts: string[] = [];
    await readToEnd(client(), topic, ({ messages }) => {
      for (const { value } of messages) texts.push(String(value));
    });
    return texts;
  }

  test('topics are made once with their settings, and what is there stays', async () => {
    const topic = `test-${randomUUID()}`;
    await ensureTopics(client(), [eventTopic(topic, 3), compactedTopic(`${topic}-position`)]);
    await ensureTopics(client(), [eventTopic(topic, 7)]);
    expect((await endsOf(client(), topic)).map(({ partition, end }) => [partition, end])).toEqual(
      expect.arrayContaining([
        [0, 0],
        [1, 0],
        [2, 0],
      ]),
    );
    expect(await contents(topic)).toEqual([]);
  });

  test('only committed transactions are read, and the newest of a name writes alone', async () => {
    const topic = await freshTopic();
    const name = randomUUID();
    const older = await TransactionalProducer.open(client(), name);
    await older.write([message(topic, 'one'), message(topic, 'two')]);
    // Left open, as by a killed process, then ended by the next in office.
    const hung = client().producer({ transactionalId: `${name}-hung` });
    await hung.connect();
    const transaction = await hung.transaction();
    await transaction.send({ topic, messages: [{ key: 'k', value: 'never' }] });
    const afterHung = await TransactionalProducer.open(client(), `${name}-hung`);
    const newer = await TransactionalProducer.open(client(), name);
    const refusal = await older.write([message(topic, 'late')]).catch((error: unknown) => error);
    expect(isFenced(refusal), String(refusal)).toBe(true);
    await newer.write([message(topic, 'three')]);
    expect(await contents(topic)).toEqual(['one', 'two', 'three']);
    await Promise.all(
      [older, newer, afterHung, hung].map((one) =>
        'close' in one ? one.close() : one.disconnect(),
      ),
    );
  });

  test('a schema that breaks the registered one is refused with its reason', async () => {
    const topic = `test-${randomUUID()}`;
    const record = (fields: readonly object[]) =>
      parseSchema(JSON.stringify({ type: 'record', name: 'r', fields }));
    const key = parseSchema('"string"');
    const first = record([{ name: 'a', type: 'int' }]);
    const encoder = await registerTopic(registry(), { topic, key, value: first });
    const grown = record([
      { name: 'a', type: 'long' },
      { name: 'b', type: ['null', 'string'], default: null },
    ]);
    const grownEncoder = await registerTopic(registry(), { topic, key, value: grown });
    const broken = record([{ name: 'a', type: 'string' }]);
    await expect(registerTopic(registry(), { topic, key, value: broken })).rejects.toThrow(
      `the schema avro_schemas/${topic}-value.avsc cannot follow`,
    );
    const missing = record([{ name: 'c', type: 'int' }]);
    await expect(registerTopic(registry(), { topic, key, value: missing })).rejects.toThrow(
      RegistryError,
    );
    const decoder = new TopicDecoder(registry(), grown);
    const messages = [encoder.value({ a: 1 }), grownEncoder.value({ a: 2, b: 'x' })];
    await decoder.prepare(messages);
    expect(messages.map((bytes) => decoder.decode(bytes))).toEqual([
      { a: 1, b: null },
      { a: 2, b: 'x' },
    ]);
    expect(() => encoder.value({ a: 'no' })).toThrow(AvroError);
    expect(() => decoder.decode(Buffer.from('{"a": 1}'))).toThrow("expected Confluent's framing");
  });
});
