import { expect, test } from 'vitest';
import { NOTES } from '../topic-fixture.ts';
import { ManualClock } from '../upstream/manual-clock.ts';
import { SinkError, type Written } from './sink.ts';
import { type Waiting, WriteQueue } from './write-queue.ts';

/** A queue over something that answers when it is told to. */
function stand() {
  const clock = new ManualClock();
  const batches: { readonly batch: readonly Waiting[]; end(failure: SinkError | null): void }[] =
    [];
  const queue = new WriteQueue({
    writeAll: (_topic, batch) =>
      new Promise((end) => {
        batches.push({ batch, end });
      }),
    after: (ms, run) => clock.after(ms, run),
    hopeful: () => true,
  });
  const write = (id: string) => {
    const told: (Written | string)[] = [];
    queue.write(NOTES, { id, value: {} }).then(
      (written) => told.push(written),
      (error: unknown) => told.push(String(error)),
    );
    return told;
  };
  const idsOf = (at: number) => batches[at]?.batch.map(({ message }) => message.id);
  return { clock, batches, write, idsOf };
}

test('who keeps silent keeps nobody waiting for longer than 5 s, nor what comes behind', async () => {
  const { clock, batches, write, idsOf } = stand();
  const first = write('1');
  await clock.pass(1_000);
  const second = write('2');
  await clock.pass(3_999);
  expect(first).toEqual([]);
  await clock.pass(1);
  expect(first).toEqual([expect.stringContaining('nothing was heard for 5 s')]);
  expect(second).toEqual([]);
  await clock.pass(1_000);
  expect(second).toHaveLength(1);
  const third = write('3');
  batches[0]?.end(new SinkError('lost'));
  await clock.pass(100);
  // What was given up is not written any more.
  expect(idsOf(1)).toEqual(['3']);
  batches[1]?.batch[0]?.resolve('written');
  batches[1]?.end(null);
  await clock.pass(10_000);
  expect(third).toEqual(['written']);
  expect([first.length, second.length, clock.waiting]).toEqual([1, 1, 0]);
});

test('a failure is tried again, and told when the patience ends', async () => {
  const { clock, batches, write, idsOf } = stand();
  const told = write('1');
  await clock.pass(0);
  batches[0]?.end(new SinkError('the engine is away'));
  await clock.pass(100);
  expect(idsOf(1)).toEqual(['1']);
  await clock.pass(4_900);
  expect(told).toEqual([expect.stringContaining('the engine is away')]);
});
