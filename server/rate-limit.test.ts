import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimit } from './rate-limit.ts';

/** A token bucket, as in every textbook. */
class Bucket {
  #tokens: number;
  #atMs = 0;
  readonly #perSecond: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  take(nowMs: number): boolean {
    const gained = ((nowMs - this.#atMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#atMs = nowMs;
    if (this.#tokens < 1 - 1e-6) return false;
    this.#tokens -= 1;
    return true;
  }
}

test('it lets through what a token bucket does', () =>
  fc.assert(
    fc.property(
      // Those that make whole milliseconds: both are exact then.
      fc.constantFrom(1, 2, 5, 10, 20, 50, 125, 200, 500),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5_000)), { maxLength: 300 }),
      (perSecond, burst, pauses) => {
        const limit = new RateLimit(perSecond, burst);
        const bucket = new Bucket(perSecond, burst);
        let nowMs = 1_630_022_400_000;
        let used = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const next = limit.take(used, nowMs);
          expect(next !== null).toBe(bucket.take(nowMs));
          used = next ?? used;
        }
      },
    ),
  ));

test('a clock that is set back locks nobody out', () => {
  const limit = new RateLimit(10, 20);
  const used = limit.take(0, 1_000_000) ?? Number.NaN;
  expect(limit.take(used, 1_000)).not.toBeNull();
});
