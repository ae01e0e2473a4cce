import { expect, test, vi } from 'vitest';
import { EngineError } from './engine.ts';
import { SubscriptionQueue } from './subscription.ts';

const rows = new Map([['\0\0\0\u0001a', 1]]);
const never = new AbortController().signal;

function open(more: Partial<ConstructorParameters<typeof SubscriptionQueue>[0]> = {}) {
  const left = vi.fn();
  return {
    left,
    queue: new SubscriptionQueue({ fields: [], asOf: 10n, upTo: undefined, left, ...more }),
  };
}

test('it never hands out more than it is asked for, and nothing twice', () => {
  const { queue } = open();
  queue.pushSnapshot(rows);
  queue.progress(11n);
  expect([1, 1, 1, 1].map((limit) => queue.take(limit).map(({ kind }) => kind))).toEqual([
    ['progress'],
    ['data'],
    ['progress'],
    [],
  ]);
});

test('progress that was not taken is replaced by later progress, but never the first', () => {
  const { queue } = open();
  for (let time = 11n; time < 20n; time++) queue.progress(time);
  expect(queue.take(9).map(({ time }) => time)).toEqual([10n, 19n]);
});

test('a reader that falls behind is told how far, and keeps nothing', async () => {
  const { queue, left } = open({ maxQueuedBytes: 100 });
  queue.take(1);
  queue.push(11n, rows, 60);
  queue.push(12n, rows, 60);
  await expect(queue.ready(never)).rejects.toMatchObject({
    code: 'XX000',
    message: expect.stringContaining('SUBSCRIBE fell behind'),
  });
  expect(queue.take(9)).toEqual([]);
  expect(left).toHaveBeenCalledOnce();
});

test('what was taken no longer counts against the limit', () => {
  const { queue } = open({ maxQueuedBytes: 100 });
  for (let time = 11n; time < 100n; time++) {
    queue.push(time, rows, 60);
    queue.take(9);
  }
  expect(queue.ended).toBe(false);
});

test('an error comes after what is queued', async () => {
  const { queue } = open();
  queue.fail(new EngineError('42704', 'dropped'));
  await queue.ready(never);
  expect(queue.take(9)).toHaveLength(1);
  await expect(queue.ready(never)).rejects.toMatchObject({ code: '42704' });
  expect(queue.ended).toBe(false);
});

test('waiting ends by a row, by the end, and by the signal', async () => {
  const { queue } = open();
  queue.take(1);
  const waiting = queue.ready(never);
  queue.progress(11n);
  await waiting;
  queue.take(1);
  const controller = new AbortController();
  const aborted = queue.ready(controller.signal);
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  const ending = queue.ready(never);
  queue.close();
  await ending;
  expect(queue.ended).toBe(true);
});

test('UP TO is exclusive', () => {
  const { queue, left } = open({ upTo: 12n });
  queue.push(11n, rows, 1);
  queue.push(12n, rows, 1);
  expect(queue.take(9).map(({ time }) => time)).toEqual([10n, 11n]);
  expect(queue.ended).toBe(true);
  queue.close();
  expect(left).toHaveBeenCalledOnce();
});
