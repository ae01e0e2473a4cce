import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rateOf } from './rate.ts';

test('each of the last 60 whole seconds has its changes, the present one does not count', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 61, maxLength: 61 });
  fc.assert(
    fc.property(counts, fc.integer({ min: 100, max: 2e9 }), fc.nat(999), (list, second, ms) => {
      // A second without changes has no row.
      const rows = list.flatMap((count, at) => (count === 0 ? [] : [[second - 60 + at, count]]));
      const { series, perSecond } = rateOf(rows.toReversed(), second * 1_000 + ms);
      expect(series).toEqual(list.slice(0, 60));
      const last = list.slice(55, 60).reduce((sum, count) => sum + count, 0);
      expect(perSecond).toBeCloseTo(last / 5);
    }),
  );
});

test('without rows there is no pace, and what ended is told as of its last second', () => {
  expect(rateOf([], 5_000)).toEqual({ perSecond: 0, series: Array(60).fill(0) });
  expect(rateOf([[9, 5]], 'end').series.at(-1)).toBe(5);
});
