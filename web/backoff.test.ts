import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a wait is between 0.5 s and 20 s, however many attempts failed', () => {
  fc.assert(
    fc.property(fc.nat(2_000), random, (attempt, chance) => {
      const ms = backoffMs(attempt, chance);
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(20_000);
    }),
  );
});

test('the longest wait doubles from 1 s to 20 s, the shortest stays', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6].map((attempt) => Math.round(backoffMs(attempt, 1)));
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  expect(backoffMs(6, 0)).toBe(500);
});
