import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRetryAfter, retryDelayMs } from './retry.ts';

test('Retry-After is read as seconds or as a date', () => {
  expect(parseRetryAfter('120', 0)).toBe(120_000);
  const now = Date.UTC(2021, 0, 1);
  expect(parseRetryAfter(new Date(now + 5000).toUTCString(), now)).toBe(5000);
  expect(parseRetryAfter(new Date(now - 5000).toUTCString(), now)).toBe(0);
  expect([parseRetryAfter(null, now), parseRetryAfter('soon', now)]).toEqual([null, null]);
});

test('a delay covers what was asked, and its jitter doubles up to 30 s', () => {
  const asked = fc.option(fc.nat(10_000_000));
  fc.assert(
    fc.property(
      fc.nat(2000),
      asked,
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (failures, ask, r) => {
        const delay = retryDelayMs(failures, ask, () => r);
        const floor = Math.min(ask ?? 0, 900_000);
        expect(delay).toBeGreaterThanOrEqual(floor);
        expect(delay).toBeLessThanOrEqual(floor + r * Math.min(30_000, 500 * 2 ** failures));
      },
    ),
  );
});
