import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE, type CloseCode } from '../protocol/close.ts';
import { drain } from './drain.ts';
import { ManualClock } from './upstream/manual-clock.ts';

/** A repeatable source of randomness (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Closed {
  readonly atMs: number;
  readonly reason: CloseCode;
}

function crowd(count: number) {
  const clock = new ManualClock();
  const startMs = clock.now();
  const closed: Closed[] = [];
  const open = new Set<{ close(reason: CloseCode): void }>();
  const add = (): void => {
    const one = {
      close: (reason: CloseCode) => {
        expect(open.delete(one)).toBe(true);
        closed.push({ atMs: clock.now() - startMs, reason });
      },
    };
    open.add(one);
  };
  for (let made = 0; made < count; made++) add();
  let doneAtMs: number | null = null;
  const begin = (drainMs: number, seed: number) =>
    drain({
      connections: () => open,
      drainMs,
      clock,
      random: randomFrom(seed),
      done: () => {
        expect(doneAtMs).toBe(null);
        doneAtMs = clock.now() - startMs;
      },
    });
  return { clock, open, closed, add, begin, doneAtMs: () => doneAtMs };
}

test('without viewers it is done at once', () => {
  const one = crowd(0);
  one.begin(8_000, 1);
  expect([one.doneAtMs(), one.clock.waiting]).toEqual([0, 0]);
});

test('F9: closes are spread evenly, and so are the arrivals they lead to', async () => {
  const one = crowd(10_000);
  one.begin(8_000, 7);
  await one.clock.pass(8_000);
  expect(one.open.size).toBe(0);
  expect(one.doneAtMs()).toBeLessThanOrEqual(8_000);
  const arrivals = one.closed.map(({ atMs, reason }) => atMs + reason.retryMs);
  const bins = new Map<number, number>();
  for (const ms of arrivals)
    bins.set(Math.floor(ms / 100), (bins.get(Math.floor(ms / 100)) ?? 0) + 1);
  const mean = arrivals.length / (Math.max(...bins.keys()) + 1);
  expect(Math.max(...bins.values())).toBeLessThanOrEqual(2 * mean);
  expect(one.closed.every(({ reason }) => reason.code === CLOSE.draining.code)).toBe(true);
});

test('a few viewers are spread as well: the mean close of three is in the middle', async () => {
  const times: number[] = [];
  for (let seed = 0; seed < 300; seed++) {
    const one = crowd(3);
    one.begin(8_000, seed);
    await one.clock.pass(8_000);
    times.push(...one.closed.map(({ atMs }) => atMs));
  }
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  expect(times).toHaveLength(900);
  expect(mean).toBeGreaterThan(3_600);
  expect(mean).toBeLessThan(4_400);
});

test('whoever comes or goes meanwhile: all are gone at the end, each told once', async () => {
  const run = async (count: number, comers: readonly number[], drainMs: number, seed: number) => {
    const one = crowd(count);
    one.begin(drainMs, seed);
    for (const ms of comers) {
      await one.clock.pass(ms);
      if (one.doneAtMs() !== null) break;
      one.add();
      const [first] = one.open;
      if (ms % 3 === 0 && first !== undefined) one.open.delete(first);
    }
    await one.clock.pass(drainMs);
    expect(one.open.size).toBe(0);
    expect(one.doneAtMs()).toBeLessThanOrEqual(drainMs);
    expect(one.clock.waiting).toBe(0);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.nat(100),
      fc.array(fc.nat(500), { maxLength: 20 }),
      fc.nat(3_000),
      fc.integer(),
      run,
    ),
  );
});

test('it is over early when all viewers left by themselves', async () => {
  const one = crowd(5);
  one.begin(8_000, 3);
  await one.clock.pass(100);
  one.open.clear();
  await one.clock.pass(50);
  expect(one.doneAtMs()).not.toBe(null);
  expect(one.clock.waiting).toBe(0);
});

test('called off, it closes nobody any more', async () => {
  const one = crowd(1_000);
  const stop = one.begin(8_000, 5);
  await one.clock.pass(1_000);
  stop();
  const { size } = one.open;
  await one.clock.pass(10_000);
  expect([one.open.size, one.doneAtMs()]).toEqual([size, null]);
});
