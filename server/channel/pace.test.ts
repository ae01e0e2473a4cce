import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../tests/runs.ts';
import { Pace } from './pace.ts';

const TICK_MS = 250;

test('batches come no closer than asked, and listeners hear something in every 15 s', () =>
  fc.assert(
    fc.property(
      fc.constantFrom(0, 100, 1_000, 60_000),
      fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 200, size: 'max' }),
      (everyMs, changes) => {
        const pace = new Pace(everyMs);
        const due = changes.toSorted((a, b) => a - b);
        let sentMs = Number.NEGATIVE_INFINITY;
        let toldMs = 0;
        let provedMs = 0;
        pace.listened(0);
        for (let nowMs = 0; nowMs <= 60_000; nowMs += TICK_MS) {
          expect(pace.waitMs(nowMs)).toBe(Math.max(0, everyMs - (nowMs - sentMs)));
          if (due.some((atMs) => atMs <= nowMs) && pace.waitMs(nowMs) === 0) {
            due.length = 0;
            due.push(...changes.filter((atMs) => atMs > nowMs));
            pace.sent(nowMs);
            sentMs = nowMs;
            toldMs = nowMs;
          }
          if (pace.isProofDue(nowMs, due[0] !== undefined && due[0] <= nowMs)) {
            pace.proved(nowMs);
            toldMs = nowMs;
            provedMs = nowMs;
          }
          expect(nowMs - toldMs).toBeLessThan(15_000);
          expect(nowMs - provedMs).toBeLessThan(15_000);
        }
      },
    ),
    { numRuns: runs(50) },
  ));

test('quiet is proved a second after a batch, then every 14.5 s, and never before anybody listens', () => {
  const pace = new Pace(0);
  expect(pace.isProofDue(1e9, false)).toBe(false);
  pace.listened(0);
  expect([999, 1_000].map((nowMs) => pace.isProofDue(nowMs, false))).toEqual([false, true]);
  pace.listened(900);
  expect(pace.isProofDue(1_000, false)).toBe(true);
  pace.proved(1_000);
  expect([15_499, 15_500].map((nowMs) => pace.isProofDue(nowMs, false))).toEqual([false, true]);
  pace.proved(15_500);
  pace.sent(15_600);
  expect([16_599, 16_600].map((nowMs) => pace.isProofDue(nowMs, false))).toEqual([false, true]);
  pace.restart(16_000);
  expect([16_999, 17_000].map((nowMs) => pace.isProofDue(nowMs, false))).toEqual([false, true]);
});
