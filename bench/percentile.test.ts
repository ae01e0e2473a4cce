import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentile } from './percentile.ts';

test('no more than the share lies above it, and no less than it below the next', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const found = percentile(values, share);
        expect(values).toContain(found);
        const atMost = values.filter((value) => value <= found).length;
        const below = values.filter((value) => value < found).length;
        expect(atMost).toBeGreaterThanOrEqual(share * values.length - 1e-9);
        expect(below).toBeLessThan(share * values.length);
      },
    ),
  );
});

test('nothing has none', () => {
  expect(percentile([], 0.5)).toBeNaN();
});
