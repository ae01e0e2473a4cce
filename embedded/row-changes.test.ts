import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addInto, addRow } from './row-changes.ts';

const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -2, max: 2 })));

test('row by row or all at once, sums are the same and none stands at 0', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const one = new Map<string, number>();
      for (const [key, diff] of [...before, ...after]) addRow(one, key, diff);
      const [first, second] = [before, after].map((list) => {
        const rows = new Map<string, number>();
        for (const [key, diff] of list) addRow(rows, key, diff);
        return rows;
      });
      if (first === undefined || second === undefined) return;
      const held = new Map(first);
      addInto(held, second, 1);
      expect(held).toEqual(one);
      for (const key of 'abc') {
        const sum = [...before, ...after].reduce(
          (all, [k, diff]) => all + (k === key ? diff : 0),
          0,
        );
        expect(one.get(key)).toBe(sum === 0 ? undefined : sum);
      }
      addInto(held, second, -1);
      expect(held).toEqual(first);
    }),
  );
});
