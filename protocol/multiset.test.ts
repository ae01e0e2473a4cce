import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addAll, apply, difference, MultiplicityError, mergeBatches } from './multiset.ts';
import type { Batch, Changes } from './update.ts';

const rows = fc.constantFrom('[1]', '[2]', '["a",1]', '["a",2]', '[null]');
const changes = fc
  .array(fc.tuple(rows, fc.integer({ min: -3, max: 3 })))
  .map((entries): Changes => new Map(entries.filter(([, diff]) => diff !== 0)));
const multisets = fc
  .array(fc.tuple(rows, fc.integer({ min: 1, max: 3 })))
  .map((entries): Changes => new Map(entries));

/** Adjacent batches whose upper bounds rise by one or more. */
const chains = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), changes), { minLength: 1, maxLength: 8 })
  .map((steps) => {
    let lower = 100;
    return steps.map(([width, step]): Batch => {
      const batch = { lower, upper: lower + width, changes: step };
      lower += width;
      return batch;
    });
  });

const sum = (parts: readonly Changes[]): Map<string, number> => {
  const total = new Map<string, number>();
  for (const part of parts) addAll(total, part);
  return total;
};

test('consolidation does not depend on the order of the changes', () =>
  fc.assert(
    fc.property(fc.array(changes), (parts) => {
      expect(sum(parts)).toEqual(sum(parts.toReversed()));
    }),
  ));

test('no row is kept with a multiplicity of 0', () =>
  fc.assert(
    fc.property(fc.array(changes), (parts) => {
      expect([...sum(parts).values()]).not.toContain(0);
    }),
  ));

test('the difference turns one multiset into the other', () =>
  fc.assert(
    fc.property(multisets, multisets, (from, to) => {
      const held = new Map(from);
      apply(held, difference(from, to));
      expect(held).toEqual(to);
    }),
  ));

test('merging batches equals applying them one by one, wherever the chain is cut', () =>
  fc.assert(
    fc.property(chains, fc.nat(), (chain, where) => {
      const cut = 1 + (where % chain.length);
      const halves = [chain.slice(0, cut), chain.slice(cut)].filter((part) => part.length > 0);
      const merged = mergeBatches(chain);
      expect(merged.changes).toEqual(sum(chain.map((batch) => batch.changes)));
      expect(mergeBatches(halves.map(mergeBatches))).toEqual(merged);
    }),
  ));

test('batches that do not meet are refused with both bounds in the message', () => {
  const batch = (lower: number, upper: number): Batch => ({ lower, upper, changes: new Map() });
  expect(() => mergeBatches([batch(1, 2), batch(3, 4)])).toThrow(
    'one ends at 2, the next starts at 3',
  );
});

test('changes below zero are refused whole, naming the row', () =>
  fc.assert(
    fc.property(multisets, changes, (from, step) => {
      const held = new Map(from);
      const fits = [...step].every(([row, diff]) => (from.get(row) ?? 0) + diff >= 0);
      if (fits) {
        apply(held, step);
        expect(held).toEqual(sum([from, step]));
      } else {
        expect(() => apply(held, step)).toThrow(MultiplicityError);
        expect(held).toEqual(from);
      }
    }),
  ));
