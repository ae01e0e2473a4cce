import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add } from '../../protocol/multiset.ts';
import type { Diff, RowText, Timestamp } from '../../protocol/update.ts';
import { History } from './history.ts';

interface Entry {
  readonly time: Timestamp;
  readonly changes: ReadonlyMap<RowText, Diff>;
}

const changesArb = fc
  .array(fc.tuple(fc.constantFrom('["a"]', '["b"]', '["c"]'), fc.constantFrom(-1, 1, 3)), {
    minLength: 1,
    maxLength: 3,
  })
  .map((pairs) => {
    const changes = new Map<RowText, Diff>();
    for (const [row, diff] of pairs) add(changes, row, diff);
    return changes;
  });

const entriesArb = (maxLength: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9 }), changesArb), { maxLength, size: 'max' })
    .map((steps) => {
      let time = 100;
      return steps.map(([step, changes]): Entry => {
        time += step;
        return { time, changes };
      });
    });

function directly(entries: readonly Entry[], lower: Timestamp): ReadonlyMap<RowText, Diff> {
  const sum = new Map<RowText, Diff>();
  for (const { time, changes } of entries) {
    if (time >= lower) for (const [row, diff] of changes) add(sum, row, diff);
  }
  return sum;
}

const UNLIMITED = { ageMs: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };

test('the difference since any frontier is the sum of what came after', () => {
  fc.assert(
    fc.property(entriesArb(700), (entries) => {
      const history = new History(100, UNLIMITED);
      for (const { time, changes } of entries) history.append(time, time, changes);
      const end = entries.at(-1)?.time ?? 100;
      for (let lower = 100; lower <= end + 1; lower += 7) {
        expect(history.since(lower)).toEqual(directly(entries, lower));
      }
      expect(history.since(99)).toBeNull();
    }),
    { numRuns: 30 },
  );
});

test('within its age every frontier is honoured exactly, and older ones are refused', () => {
  fc.assert(
    fc.property(entriesArb(400), fc.integer({ min: 1, max: 300 }), (entries, ageMs) => {
      const history = new History(100, { ...UNLIMITED, ageMs });
      for (const [i, { time, changes }] of entries.entries()) {
        history.append(time, time, changes);
        history.trim(time + 1);
        const oldest = Math.max(100, time + 1 - ageMs);
        expect(history.start).toBe(oldest);
        const sofar = entries.slice(0, i + 1);
        expect(history.since(oldest)).toEqual(directly(sofar, oldest));
        expect(history.since(time)).toEqual(directly(sofar, time));
        expect(history.since(oldest - 1)).toBeNull();
      }
    }),
    { numRuns: 30 },
  );
});

test('bytes stay below their limit, and what is kept stays exact', () => {
  fc.assert(
    fc.property(entriesArb(400), fc.integer({ min: 200, max: 5_000 }), (entries, bytes) => {
      const history = new History(100, { ...UNLIMITED, bytes });
      for (const { time, changes } of entries) {
        history.append(time, time, changes);
        history.trim(time + 1);
        expect(history.bytes).toBeLessThanOrEqual(bytes);
        expect(history.since(history.start)).toEqual(
          directly(
            entries.slice(0, entries.findIndex((it) => it.time === time) + 1),
            history.start,
          ),
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('no difference starts inside a span whose times are not known', () => {
  const history = new History(10, UNLIMITED);
  history.append(12, 12, new Map([['["a"]', 1]]));
  history.append(20, 29, new Map([['["b"]', 1]]));
  history.append(31, 31, new Map([['["c"]', 1]]));
  expect(history.since(12)?.size).toBe(3);
  expect(history.since(20)?.size).toBe(2);
  for (const lower of [21, 25, 29]) expect(history.since(lower)).toBeNull();
  expect(history.since(30)?.size).toBe(1);
});

test('a counter bumped 10,000 times is a difference of one pair, over a few dozen blocks', () => {
  const history = new History(0, UNLIMITED);
  for (let n = 1; n <= 10_000; n++) {
    history.append(
      n,
      n,
      new Map([
        [`[${n - 1}]`, -1],
        [`[${n}]`, 1],
      ]),
    );
  }
  expect(history.since(1)).toEqual(
    new Map([
      ['[0]', -1],
      ['[10000]', 1],
    ]),
  );
  expect(history.since(5_001)).toEqual(
    new Map([
      ['[5000]', -1],
      ['[10000]', 1],
    ]),
  );
});
