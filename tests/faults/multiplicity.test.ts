import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../protocol/update.ts';
import { View } from '../../server/view/view.ts';

const RELATION = { identity: 'env', object: 'u1', columns: [{ name: 'a', type: 'text' }] };
const ROWS = ['["a"]', '["b"]', '["c"]'];
const RUNS = 6_000;
/** Random runs of this many feed more than 10^5 updates. */
const UPDATES = 100_000;

const update = fc.record({
  row: fc.constantFrom(...ROWS),
  diff: fc.oneof(
    fc.constantFrom(1, 1, -1, -1, 2, -2),
    fc.integer({ min: -1_000_000, max: 1_000_000 }).filter((diff) => diff !== 0),
  ),
});
/** What a stream brings between two times of progress. */
const step = fc.array(update, { maxLength: 8, size: 'max' });

/** Adds up by plain numbers. */
class Sums {
  readonly #sums = new Map(ROWS.map((row) => [row, 0]));

  /** The sums after some updates; null when one would be below zero. */
  after(
    updates: readonly { readonly row: string; readonly diff: number }[],
  ): Map<string, number> | null {
    const next = new Map(this.#sums);
    for (const { row, diff } of updates) next.set(row, (next.get(row) ?? 0) + diff);
    if ([...next.values()].some((sum) => sum < 0)) return null;
    for (const [row, sum] of next) this.#sums.set(row, sum);
    return new Map([...next].filter(([, sum]) => sum !== 0));
  }
}

test('F19: any diffs, equal rows, and rows that come and go at one time: consolidated, never below zero', () => {
  let updates = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20, size: 'max' }), (steps) => {
      const view = new View('v');
      const batches: Batch[] = [];
      view.watch({ batch: (batch) => batches.push(batch), reset: () => {}, state: () => {} });
      view.start(RELATION, { snapshot: true, caughtUpAbove: null });
      view.progress(1);
      const sums = new Sums();
      let held = new Map<string, number>();
      for (const [at, some] of steps.entries()) {
        const wanted = sums.after(some);
        // Only at the end: from below zero a view does not go on.
        if (wanted === null && at < steps.length - 1) continue;
        updates += some.length;
        for (const { row, diff } of some) view.update({ row, time: at + 1, diff });
        if (wanted === null) {
          expect(() => view.progress(at + 2)).toThrow('a multiplicity is 0 or more');
          expect(view.rows).toEqual(held);
          return;
        }
        view.progress(at + 2);
        expect(view.rows).toEqual(wanted);
        const changes = batches.at(-1)?.changes ?? new Map();
        for (const row of ROWS) {
          const change = (wanted.get(row) ?? 0) - (held.get(row) ?? 0);
          expect(changes.get(row) ?? 0).toBe(change);
          expect(changes.has(row)).toBe(change !== 0);
        }
        held = wanted;
      }
    }),
    { numRuns: RUNS },
  );
  expect(updates).toBeGreaterThan(UPDATES);
});
