import { expect, test } from 'vitest';
import { NOTES } from '../topic-fixture.ts';
import { ManualClock } from '../upstream/manual-clock.ts';
import { KafkaSink } from './kafka-sink.ts';

test('a Kafka that keeps silent is away after 5 s, until it answers when it is asked', async () => {
  const clock = new ManualClock();
  let answers = true;
  const sink = new KafkaSink({
    after: (ms, run) => clock.after(ms, run),
    writer: {
      send: () => new Promise(() => {}),
      check: async () => {
        if (!answers) throw new Error('connection refused');
      },
      close: async () => {},
    },
  });
  await clock.pass(0);
  expect(sink.state).toEqual({ kind: 'open' });
  answers = false;
  const told: string[] = [];
  sink.write(NOTES, { id: '1', value: {} }).catch((error: unknown) => told.push(String(error)));
  await clock.pass(4_999);
  expect([sink.state.kind, told]).toEqual(['open', []]);
  await clock.pass(1);
  expect(sink.state).toMatchObject({ kind: 'away', message: expect.stringContaining('5 s') });
  expect(told).toHaveLength(1);
  await clock.pass(3_000);
  expect(sink.state).toMatchObject({ kind: 'away', message: expect.stringContaining('refused') });
  answers = true;
  await clock.pass(1_000);
  expect(sink.state).toEqual({ kind: 'open' });
  await sink.close();
});
