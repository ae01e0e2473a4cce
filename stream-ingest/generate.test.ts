import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Arrival } from './arrival.ts';
import { generate } from './generate.ts';
import { generatedChange } from './generated-change.ts';
import { parseRecentChange, type RecentChange } from './recent-change.ts';
import { virtualClock } from './virtual-clock.ts';

function changeOf(json: string): RecentChange {
  const parsed = parseRecentChange(json);
  if (parsed.kind !== 'change') throw new Error(`expected a change, got ${json}`);
  return parsed.change;
}

async function take(count: number, rate: number, seed: number, position: string | null) {
  const clock = virtualClock();
  const stop = new AbortController();
  const arrivals: Arrival[] = [];
  const startMs = clock.now();
  for await (const each of generate({ rate, seed, position, clock, signal: stop.signal })) {
    arrivals.push(each);
    if (arrivals.length === count) break;
  }
  return { arrivals, tookMs: clock.now() - startMs };
}

test('a generator goes on after a restart as if it had never stopped', async () => {
  const runs = fc.asyncProperty(
    fc.nat(2 ** 31),
    fc.integer({ min: 1, max: 39 }),
    async (seed, k) => {
      const whole = await take(40, 1e6, seed, null);
      const first = await take(k, 1e6, seed, null);
      const rest = await take(40 - k, 1e6, seed + 1, first.arrivals.at(-1)?.position ?? null);
      const both = [...first.arrivals, ...rest.arrivals];
      expect(both.map((each) => each.position)).toEqual(
        whole.arrivals.map((each) => each.position),
      );
      const ids = (arrivals: readonly Arrival[]) => arrivals.map((a) => changeOf(a.json).meta_id);
      expect(ids(both)).toEqual(ids(whole.arrivals));
      expect(new Set(ids(both)).size).toBe(40);
    },
  );
  await fc.assert(runs, { numRuns: 30 });
});

test('the rate is kept', async () => {
  const { tookMs } = await take(301, 30, 1, null);
  expect(tookMs).toBeCloseTo(10_000, 0);
});

test('users follow Zipf and types their measured shares', () => {
  const changes = Array.from({ length: 20_000 }, (_, n) => changeOf(generatedChange(7, n, 0)));
  const count = (key: 'user' | 'type') => {
    const counts = new Map<string, number>();
    for (const { [key]: value } of changes) {
      if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  };
  const users = [...count('user').values()].sort((a, b) => b - a);
  expect(users.length).toBeGreaterThan(2_000);
  // With 20,000 ranks of weight 1 / r the first has a tenth, and about ten times the tenth.
  expect(users[0]).toBeGreaterThan(1_000);
  expect((users[0] ?? 0) / (users[9] ?? 1)).toBeGreaterThan(5);
  expect((count('type').get('edit') ?? 0) / 20_000).toBeCloseTo(0.63, 1);
  expect([...count('type').keys()].sort()).toEqual(['categorize', 'edit', 'log', 'new']);
  expect(changes.some((change) => change.user === null)).toBe(true);
  expect(new Set(changes.map((change) => change.meta_id)).size).toBe(20_000);
});
