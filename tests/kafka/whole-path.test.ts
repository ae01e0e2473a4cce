import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';
import { rankRows } from '../prefix-oracle.ts';
import { minuteOf2021, readUnpacked, recordingsMissing } from '../recordings.ts';
import { fetchCount, fetchRows, until } from '../viewcast.ts';
import { parseStandInEvents } from '../wikimedia-stand-in.ts';
import { finalLeaders } from './path-judge.ts';
import { WholePath } from './whole-path.ts';

const missing = kafkaSkipped ?? recordingsMissing;
const skipped = missing === null ? '' : ` (skipped: ${missing})`;

describe.skipIf(skipped !== '')(`a recorded minute through Kafka${skipped}`, () => {
  let path: WholePath;
  const events =
    missing === null ? parseStandInEvents(readUnpacked(minuteOf2021)).slice(0, 500) : [];

  beforeAll(async () => {
    path = await WholePath.start(events);
  }, 90_000);
  afterAll(() => path?.stop());

  test('F21, F23: broker and parts killed, registry away: each change counts once', async () => {
    const { kafka, judge, viewcast } = path;
    path.release(150);
    await path.seen(150);
    await kafka.registry.stop();
    path.release(250);
    // Those who know the schemas go on without the registry, those who start wait for it.
    await path.seen(250);
    await path.kill('ingest');
    await kafka.registry.start();
    path.release(350);
    await path.seen(350);
    await kafka.broker.kill();
    await path.kill('engine');
    path.release(500);
    await kafka.broker.start();
    await path.seen(events.length);
    await until('the views agree', async () => (await fetchCount(viewcast)) === events.length);
    expect(judge.faults).toEqual([]);
    expect(judge.judged).toBeGreaterThan(3);
    await until('the leaders are the last ones', async () => {
      const leaders = rankRows(await fetchRows(viewcast, 'top10'));
      return JSON.stringify(leaders) === JSON.stringify(finalLeaders(events));
    });
    const [input] = await fetchRows(viewcast, 'input');
    expect(input?.slice(0, 3)).toEqual(['live', '', 'connected']);
  }, 120_000);
});
