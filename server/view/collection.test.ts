import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, apply } from '../../protocol/multiset.ts';
import type { Batch, RowText, Timestamp, Update } from '../../protocol/update.ts';
import { Collection, TimeError } from './collection.ts';

const ROWS = ['["a"]', '["b"]', '["c"]', '["d"]'];
const FIRST = 100;

/** Updates in time order that never take a multiplicity below zero at the end of a timestamp. */
const updatesArb = fc
  .array(
    fc.record({
      step: fc.constantFrom(0, 0, 1, 5),
      row: fc.constantFrom(...ROWS),
      diff: fc.constantFrom(-2, -1, 1, 1, 2),
      progress: fc.boolean(),
    }),
    { maxLength: 120, size: 'max' },
  )
  .map((steps) => {
    const rows = new Map<RowText, number>();
    let time = FIRST;
    return steps.map((it) => {
      time += it.step;
      const held = rows.get(it.row) ?? 0;
      const diff = held + it.diff < 0 ? 1 : it.diff;
      add(rows, it.row, diff);
      return { update: { row: it.row, time, diff } as Update, progress: it.progress };
    });
  });

function asOf(updates: readonly Update[], upper: Timestamp): ReadonlyMap<RowText, number> {
  const rows = new Map<RowText, number>();
  for (const { row, time, diff } of updates) if (time < upper) add(rows, row, diff);
  return rows;
}

test('folded batches are the view at each frontier, wherever progress cuts', () => {
  fc.assert(
    fc.property(updatesArb, (steps) => {
      const updates = steps.map(({ update }) => update);
      const collection = new Collection();
      const folded = new Map<RowText, number>();
      let held: Timestamp | null = null;
      const check = (batch: Batch | null, frontier: Timestamp) => {
        if (batch === null) return;
        expect(batch.lower).toBe(held);
        apply(folded, batch.changes);
        held = frontier;
        expect(folded).toEqual(asOf(updates, frontier));
        expect(collection.rows).toEqual(folded);
      };
      for (const { update, progress } of steps) {
        // Progress at T comes before the updates at T, and may come between those of T.
        if (progress) check(collection.progress(update.time), update.time);
        collection.update(update);
      }
      const end = (updates.at(-1)?.time ?? FIRST) + 1;
      check(collection.progress(end), end);
      expect(folded).toEqual(asOf(updates, end));
    }),
  );
});

test('the difference since every frontier in reach is the direct difference', () => {
  fc.assert(
    fc.property(updatesArb, fc.integer({ min: 0, max: 30 }), (steps, after) => {
      const updates = steps.map(({ update }) => update);
      const collection = new Collection();
      for (const update of updates) collection.update(update);
      const end = (updates.at(-1)?.time ?? FIRST) + 1 + after;
      collection.progress(end);
      const { history } = collection;
      for (let lower = history.start; lower <= end; lower++) {
        const rows = new Map(asOf(updates, lower));
        apply(rows, history.since(lower) ?? new Map());
        expect(rows).toEqual(collection.rows);
      }
      expect(history.start).toBe(updates[0] === undefined ? end : updates[0].time + 1);
    }),
  );
});

test('what no progress closed can be discarded', () => {
  const collection = new Collection();
  collection.progress(10);
  collection.update({ row: '["a"]', time: 10, diff: 1 });
  collection.discardPending();
  collection.update({ row: '["b"]', time: 10, diff: 1 });
  expect(collection.progress(11)).toEqual({
    lower: 10,
    upper: 11,
    changes: new Map([['["b"]', 1]]),
  });
});

test('progress that does not advance is no batch', () => {
  const collection = new Collection();
  expect(collection.progress(10)).toEqual({ lower: null, upper: 10, changes: new Map() });
  expect(collection.progress(10)).toBeNull();
  expect(collection.progress(9)).toBeNull();
  expect(collection.progress('end')).toEqual({ lower: 10, upper: 'end', changes: new Map() });
  expect(collection.progress('end')).toBeNull();
});

test('an update for a closed or an earlier time is refused', () => {
  const collection = new Collection();
  collection.progress(10);
  expect(() => collection.update({ row: '[]', time: 9, diff: 1 })).toThrow(TimeError);
  collection.update({ row: '[]', time: 12, diff: 1 });
  expect(() => collection.update({ row: '[]', time: 11, diff: 1 })).toThrow(
    'expected an update at 12 or later, got one at 11',
  );
});

test('a multiplicity below zero leaves rows and frontier as they were', () => {
  const collection = new Collection();
  collection.update({ row: '["a"]', time: 10, diff: 1 });
  collection.progress(11);
  collection.update({ row: '["b"]', time: 11, diff: 1 });
  collection.update({ row: '["a"]', time: 12, diff: -2 });
  expect(() => collection.progress(13)).toThrow('reached -1');
  expect(collection.rows).toEqual(new Map([['["a"]', 1]]));
  expect(collection.frontier).toBe(11);
});
