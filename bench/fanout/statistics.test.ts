import { expect, test } from 'vitest';
import { median, medianInterval } from './statistics.ts';

test('the median is the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('the ranks of the interval are those of the tables (n = 10: 2, 20: 6, 30: 11, 60: 24)', () => {
  for (const [n, rank] of [
    [5, 1],
    [10, 2],
    [20, 6],
    [30, 11],
    [60, 24],
  ] as const) {
    const values = Array.from({ length: n }, (_, at) => at + 1);
    expect(medianInterval(values)).toEqual({ low: rank, high: n + 1 - rank });
  }
  expect(medianInterval([7, 5])).toEqual({ low: 5, high: 7 });
});
