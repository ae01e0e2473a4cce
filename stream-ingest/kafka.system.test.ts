import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaSkipped } from '../scripts/kafka-local/tools.ts';
import { idsOf, inventedEvents, KafkaIngest } from '../tests/kafka-ingest.ts';
import { until } from '../tests/viewcast.ts';
import { startStandIn } from '../tests/wikimedia-stand-in.ts';

describe.skipIf(kafkaSkipped !== null)(`into a real Kafka (${kafkaSkipped ?? 'found'})`, () => {
  let world: KafkaIngest;
  beforeAll(async () => {
    world = await KafkaIngest.start();
  }, 180_000);
  afterAll(() => world?.stop());

  test('F21: broker and ingest killed in mid-stream, each event is in the topic once', async () => {
    const events = inventedEvents(600);
    const standIn = await startStandIn({
      events,
      paceMs: 1,
      behave: () => ({ kind: 'stream', tornEvery: 200 }),
    });
    try {
      const first = world.ingest('recentchange', standIn.url);
      await until('so many are produced', async () => (await world.produced('recentchange')) > 100);
      await world.local.broker.kill();
      await first.kill();
      // Started while Kafka is away: it waits.
      const second = world.ingest('recentchange', standIn.url);
      await world.local.broker.start();
      await until('all is there', () => world.holds('recentchange', events.length));
      const letters = readFileSync(world.deadLetters('recentchange'), 'utf8').split('\n');
      expect(JSON.parse(letters[0] ?? '')).toMatchObject({
        reason: expect.stringContaining('expected JSON'),
        event: expect.stringContaining('"$schema"'),
      });
      // A newer one takes over; the older one finds that out when it has something to write.
      await world.ingest('recentchange', standIn.url).until(({ type }) => type === 'ready');
      standIn.cutAll();
      expect(await second.ended, second.errors).toBe(1);
      expect(second.errors).toContain(
        'another stream-ingest has taken over the topic recentchange',
      );
      expect(await world.committedIds('recentchange')).toEqual(idsOf(events));
    } finally {
      await standIn.close();
    }
  }, 120_000);
});
