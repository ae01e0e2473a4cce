import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTopicSchemas } from '../../avro/topic-schemas.ts';
import { kafkaClient } from '../../kafka/kafka.ts';
import { IdempotentProducer } from '../../kafka/producer.ts';
import { readToEnd } from '../../kafka/read-to-end.ts';
import { openReader } from '../../kafka/reader.ts';
import { Registry } from '../../kafka/registry.ts';
import { ensureTopics, eventTopic } from '../../kafka/topics.ts';
import { type KafkaLocal, startKafkaLocal } from '../../scripts/kafka-local/kafka-local.ts';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';

describe.skipIf(kafkaSkipped !== null)(
  `a real Kafka, gone and back (${kafkaSkipped ?? 'found'})`,
  () => {
    let local: KafkaLocal;
    beforeAll(async () => {
      local = await startKafkaLocal();
    }, 180_000);
    afterAll(() => local?.stop());

    const log = pino({ level: 'silent' });
    const client = () => kafkaClient({ brokers: local.broker.address, clientId: 'test', log });
    const registry = (attempts = 4) => new Registry({ url: local.registry.url, attempts });

    test('a reader goes on from where it stands after the broker was killed', async () => {
      const topic = `test-${randomUUID()}`;
      await ensureTopics(client(), [eventTopic(topic, 1)]);
      const message = (of: string, text: string) => ({
        topic: of,
        key: Buffer.from('k'),
        value: Buffer.from(text),
      });
      const producer = new IdempotentProducer(client());
      const first = await producer.send([message(topic, '0'), message(topic, '1')]);
      expect(first.get(topic)).toBe(0);
      const got: string[] = [];
      const waiting: (() => void)[] = [];
      let fails = 0;
      const open = () =>
        openReader({
          kafka: client(),
          topics: [topic],
          from: () => got.length + 1,
          onBatch: async ({ messages }) => {
            for (const { value } of messages) got.push(String(value));
            for (const wake of waiting.splice(0)) wake();
          },
          onFailure: () => {
            fails += 1;
            for (const wake of waiting.splice(0)) wake();
          },
          maxWaitMs: 100,
        });
      const until = async (count: number) => {
        while (got.length < count && fails === 0)
          await new Promise<void>((wake) => waiting.push(wake));
      };
      let reader = await open();
      await until(1);
      expect(got).toEqual(['1']);
      await local.broker.kill();
      await local.broker.start();
      await producer.send([message(topic, '2')]);
      await until(2);
      // Away for longer than kafkajs waits: whoever reads opens anew.
      if (fails > 0) {
        fails = 0;
        reader = await open();
        await until(2);
      }
      expect(got).toEqual(['1', '2']);
      await reader.close();
      await producer.close();
      const all: string[] = [];
      await readToEnd(client(), topic, ({ messages }) => {
        for (const { value } of messages) all.push(String(value));
      });
      expect(all).toEqual(['0', '1', '2']);
    });

    test('the registry comes back with the same ids, and its absence is said', async () => {
      const example = await readTopicSchemas('example');
      const before = await registry().register('example-value', example.value.json);
      expect(await registry().register('example-value', example.value.json)).toBe(before);
      await local.registry.stop();
      const away = await registry(2)
        .latest('example-value')
        .catch((error: unknown) => error);
      expect(away).toMatchObject({ kind: 'away' });
      expect(String(away)).toContain(`the schema registry ${local.registry.url} does not answer`);
      await local.registry.start();
      expect(await registry().register('example-value', example.value.json)).toBe(before);
      expect(JSON.parse(await registry().byId(before))).toEqual(example.value.definition);
      await expect(registry().byId(4_000_000)).rejects.toMatchObject({ kind: 'missing' });
      expect(await registry().latest(`none-${randomUUID()}`)).toBe(null);
    });
  },
);
