import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseSchema } from '../../avro/schema.ts';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';
import { idsOf, inventedEvents, KafkaIngest } from '../kafka-ingest.ts';
import { Random } from '../oracle/random.ts';
import { until } from '../viewcast.ts';
import { startStandIn } from '../wikimedia-stand-in.ts';

const LONG_MS = 300_000;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

describe.skipIf(kafkaSkipped !== null)(
  `ingest and a real Kafka (${kafkaSkipped ?? 'found'})`,
  () => {
    let world: KafkaIngest;
    beforeAll(async () => {
      world = await KafkaIngest.start();
    }, 180_000);
    afterEach(() => world?.killAll());
    afterAll(() => world?.stop());

    test(`F21: killed at random moments, each event is in the topic once (SEED=${seed})`, async () => {
      const random = new Random(seed);
      const events = inventedEvents(9_000);
      const standIn = await startStandIn({
        events,
        paceMs: 1,
        behave: () => ({ kind: 'stream', repeatEvery: 97, endAfterEvents: 4_000 }),
      });
      const pause = (most: number) =>
        new Promise((resolve) => setTimeout(resolve, random.next() * most));
      try {
        let part = world.ingest('random', standIn.url);
        for (let kills = 0; kills < 10; kills += 1) {
          await part.until(({ type }) => type === 'ready').catch(() => null);
          await pause(2_500);
          const broker = random.chance(0.4);
          if (broker) await world.local.broker.kill();
          if (!broker || random.chance(0.5)) await part.kill();
          if (broker) {
            await pause(3_000);
            await world.local.broker.start();
          }
          if (random.chance(0.2)) {
            // Two at once, as when a supervisor believes the older one dead.
            part = world.ingest('random', standIn.url);
          }
          part = world.ingest('random', standIn.url);
        }
        const ids = idsOf(events);
        await until('all is there', () => world.holds('random', ids.length), LONG_MS);
        expect(await world.committedIds('random')).toEqual(ids);
      } finally {
        await standIn.close();
      }
    }, 400_000);

    test('F21: Kafka away, the source is not read on; back, nothing is missing', async () => {
      // More than sockets and the buffer hold: at half a kilobyte each about 20 MB.
      const events = inventedEvents(40_000);
      const standIn = await startStandIn({ events });
      try {
        const part = world.ingest('away', standIn.url);
        await until('so many are produced', async () => (await world.produced('away')) > 500);
        await world.local.broker.kill();
        await until('ingest waits', async () => part.errors.includes('waiting for Kafka'));
        let sent = -1;
        // The stream has come to a stand when no more was taken for three seconds.
        for (let now = standIn.sent; now !== sent; now = standIn.sent) {
          sent = now;
          await new Promise((resolve) => setTimeout(resolve, 3_000));
        }
        expect(sent).toBeLessThan(events.length);
        await world.local.broker.start();
        await until(
          'all is there',
          async () => (await world.produced('away')) >= events.length,
          LONG_MS,
        );
        await until('all is there', () => world.holds('away', events.length), LONG_MS);
        expect(await world.committedIds('away')).toEqual(idsOf(events));
      } finally {
        await standIn.close();
      }
    }, 400_000);

    test('F23: without its registry ingest waits, and goes on when it is there', async () => {
      const events = inventedEvents(600);
      const standIn = await startStandIn({ events, paceMs: 1 });
      try {
        await world.local.registry.stop();
        const part = world.ingest('waiting', standIn.url);
        await until('ingest waits', async () => part.errors.includes('waiting for Kafka'));
        expect(part.errors).toContain(
          `the schema registry ${world.local.registry.url} does not answer`,
        );
        await world.local.registry.start();
        await until('so many are produced', async () => (await world.produced('waiting')) > 100);
        await world.local.registry.stop();
        await until(
          'so many are produced',
          async () => (await world.produced('waiting')) >= events.length,
        );
        await world.local.registry.start();
        await until('all is there', () => world.holds('waiting', events.length));
        expect(await world.committedIds('waiting')).toEqual(idsOf(events));
      } finally {
        await standIn.close();
      }
    }, 200_000);

    test('F23: a schema that cannot follow the registered one writes nothing', async () => {
      const fields = [{ name: 'meta_id', type: 'int' }];
      const other = parseSchema(JSON.stringify({ type: 'record', name: 'v', fields }));
      await world.registry.register('broken-value', other.json);
      const standIn = await startStandIn({ events: inventedEvents(10) });
      try {
        const part = world.ingest('broken', standIn.url);
        expect(await part.ended, part.errors).toBe(1);
        expect(part.errors).toContain('cannot follow the one that is registered as broken-value');
        expect(await world.produced('broken')).toBe(0);
      } finally {
        await standIn.close();
      }
    });
  },
);
