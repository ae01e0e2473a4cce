import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';
import { finalLeaders } from '../kafka/path-judge.ts';
import { WholePath } from '../kafka/whole-path.ts';
import { Random } from '../oracle/random.ts';
import { rankRows } from '../prefix-oracle.ts';
import { mappedDayOf2015, readUnpacked, recordingsMissing } from '../recordings.ts';
import { fetchCount, fetchRows, until } from '../viewcast.ts';

const missing = kafkaSkipped ?? recordingsMissing;
const skipped = missing === null ? '' : ` (skipped: ${missing})`;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
/** So many faults, and as many events between two of them as the widest gap of the stream. */
const ROUNDS = 12;
const MOST_EVENTS = 1_500;
const PATIENCE_MS = 120_000;

/** Between two events, so that there are many timestamps to be right at. */
const PACE_MS = 1;

/** The stream's own times are rewound by a minute at each resume: 3,000 events come again. */
const EVENT_MS = 20;

describe.skipIf(skipped !== '')(`a recorded day through Kafka, seed ${seed}${skipped}`, () => {
  let path: WholePath;
  const lines = missing === null ? readUnpacked(mappedDayOf2015).trim().split('\n') : [];
  const events = lines.map((json, at) => ({ json, atMs: Date.UTC(2015, 8, 12) + at * EVENT_MS }));

  beforeAll(async () => {
    path = await WholePath.start(events, PACE_MS);
  }, PATIENCE_MS);
  afterAll(() => path?.stop());

  test('F21, F23: whatever is killed when, each change counts once at every timestamp', async () => {
    const { kafka, judge, viewcast } = path;
    const random = new Random(seed);
    const faults: Readonly<Record<string, () => Promise<unknown>>> = {
      engine: () => path.kill('engine'),
      ingest: () => path.kill('ingest'),
      server: () => path.kill('server'),
      'engine and ingest': () => Promise.all([path.kill('engine'), path.kill('ingest')]),
      broker: async () => {
        await kafka.broker.kill();
        await pause(random.integer(0, 8_000));
        await kafka.broker.start();
      },
      registry: async () => {
        await kafka.registry.stop();
        await pause(random.integer(0, 3_000));
        await path.kill(random.chance(0.5) ? 'engine' : 'ingest');
        await kafka.registry.start();
      },
    };
    let released = 0;
    const told: string[] = [];
    for (let round = 0; round < ROUNDS && released < events.length; round++) {
      released = Math.min(events.length, released + random.integer(100, MOST_EVENTS));
      path.release(released);
      // Anywhere on the way of these events.
      await pause(random.integer(0, 2_000));
      const name = random.pick(Object.keys(faults));
      told.push(`${name} at ${judge.seen} of ${released}`);
      await faults[name]?.();
      if (random.chance(0.5)) await path.seen(released, PATIENCE_MS);
    }
    await path.seen(released, PATIENCE_MS);
    await until('the views agree', async () => (await fetchCount(viewcast)) === released);
    expect(judge.faults, told.join('; ')).toEqual([]);
    const leaders = finalLeaders(events.slice(0, released));
    await until('the leaders are the last ones', async () => {
      const rows = await fetchRows(viewcast, 'top10');
      return JSON.stringify(rankRows(rows)) === JSON.stringify(leaders);
    });
    console.log(`${released} events, ${judge.judged} timestamps judged: ${told.join('; ')}`);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
