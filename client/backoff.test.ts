import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('a wait is from 0.5 s to 20 s, and longer with chance and with failures', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(2_000), chance, (failures, random) => {
      const ms = backoffMs(failures, random);
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(20_000);
      expect(backoffMs(failures + 1, random)).toBeGreaterThanOrEqual(ms);
    }),
  );
});
