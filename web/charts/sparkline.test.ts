import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sparklinePaths } from './sparkline.ts';

test('every value stands within the size, greater ones higher, in their order', () => {
  const series = fc.array(fc.nat(1_000), { minLength: 2, maxLength: 80 });
  const lengths = fc.record({
    width: fc.integer({ min: 100, max: 900 }),
    height: fc.integer({ min: 40, max: 200 }),
  });
  fc.assert(
    fc.property(series, lengths, (values, size) => {
      const { line } = sparklinePaths(values, size, 3);
      const points = [...line.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [
        Number(x),
        Number(y),
      ]);
      expect(points).toHaveLength(values.length);
      for (const [at, [x = -1, y = -1]] of points.entries()) {
        expect(x).toBeGreaterThan(points[at - 1]?.[0] ?? 0);
        expect(x).toBeLessThanOrEqual(size.width);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(size.height);
        for (const [other, [, otherY = -1]] of points.entries()) {
          if ((values[at] ?? 0) > (values[other] ?? 0)) expect(y).toBeLessThanOrEqual(otherY);
        }
      }
    }),
    { numRuns: 50 },
  );
  expect(sparklinePaths([1], { width: 9, height: 9 }, 3).line).toBe('');
});
