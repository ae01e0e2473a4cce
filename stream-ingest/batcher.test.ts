import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batcher, type ItemBatch } from './batcher.ts';
import { virtualClock } from './virtual-clock.ts';

function item(n: number) {
  return { change: null, position: String(n) };
}

function positions(batches: readonly ItemBatch[]): readonly string[] {
  return batches.flatMap((batch) => batch.map((each) => each.position));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('every item is written once and in order, in bounded batches, one at a time', async () => {
  const shape = fc.record({
    turns: fc.array(fc.nat(3), { maxLength: 60 }),
    maxItems: fc.integer({ min: 1, max: 10 }),
    maxWaiting: fc.integer({ min: 1, max: 15 }),
    slowTurns: fc.nat(4),
  });
  const property = fc.asyncProperty(shape, async ({ turns, maxItems, maxWaiting, slowTurns }) => {
    const batches: ItemBatch[] = [];
    let writing = 0;
    const write = async (batch: ItemBatch) => {
      writing += 1;
      expect(writing).toBe(1);
      for (let i = 0; i < slowTurns; i += 1) await turn();
      batches.push(batch);
      writing -= 1;
    };
    const signal = new AbortController().signal;
    const batcher = new Batcher({ write, clock: virtualClock(), signal, maxItems, maxWaiting });
    for (const [n, wait] of turns.entries()) {
      await batcher.add(item(n));
      for (let i = 0; i < wait; i += 1) await turn();
    }
    await batcher.end();
    expect(positions(batches)).toEqual(turns.map((_, n) => String(n)));
    for (const { length } of batches) expect(length >= 1 && length <= maxItems).toBe(true);
  });
  await fc.assert(property, { numRuns: 60 });
});

test('a reader waits while the store does not answer', async () => {
  const held: (() => void)[] = [];
  const write = () => new Promise<void>((resolve) => held.push(resolve));
  const signal = new AbortController().signal;
  const batcher = new Batcher({ write, clock: virtualClock(), signal, maxItems: 2, maxWaiting: 4 });
  let added = 0;
  const adding = (async () => {
    for (let n = 0; n < 20; n += 1) {
      await batcher.add(item(n));
      added += 1;
    }
    await batcher.end();
  })();
  for (let i = 0; i < 50; i += 1) await turn();
  expect(added).toBeLessThanOrEqual(6);
  let done = false;
  const finished = adding.then(() => {
    done = true;
  });
  while (!done) {
    held.shift()?.();
    await turn();
  }
  await finished;
  expect(added).toBe(20);
});

test('a failed write reaches the reader', async () => {
  const write = () => Promise.reject(new Error('disk full'));
  const signal = new AbortController().signal;
  const batcher = new Batcher({ write, clock: virtualClock(), signal });
  await batcher.add(item(0));
  await expect(batcher.end()).rejects.toThrow('disk full');
  await expect(batcher.add(item(1))).rejects.toThrow('disk full');
});
