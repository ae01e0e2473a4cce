import { expect, test } from 'vitest';
import { STILL } from './charts/motion.ts';
import { motionFor, Pace } from './pace.ts';

const seen = { behind: 1, intervalMs: 400, hidden: false, reduced: false };

test('a transition lasts until the next batch, within what an eye can follow', () => {
  expect(motionFor(seen)).toEqual({ reachMs: 400, placeMs: 600 });
  expect(motionFor({ ...seen, intervalMs: 5_000 }).reachMs).toBe(700);
  expect(motionFor({ ...seen, intervalMs: 20 }).reachMs).toBe(200);
});

test('nothing moves when hidden, when less motion is wanted, or more than two batches behind', () => {
  expect(motionFor({ ...seen, hidden: true })).toEqual(STILL);
  expect(motionFor({ ...seen, reduced: true })).toEqual(STILL);
  expect(motionFor({ ...seen, behind: 3 })).toEqual(STILL);
  expect(motionFor({ ...seen, behind: 2 })).not.toEqual(STILL);
});

test('the pace follows the batches, and a pause is no pace', () => {
  const pace = new Pace();
  for (let at = 0; at <= 2_000; at += 50) pace.beat(at);
  expect(pace.intervalMs).toBeCloseTo(50, 0);
  pace.beat(60_000);
  expect(pace.intervalMs).toBeLessThanOrEqual(700);
});
