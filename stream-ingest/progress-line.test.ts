import fc from 'fast-check';
import { expect, test } from 'vitest';
import { progressLine } from './progress-line.ts';

test('the line fills the terminal but for its last column', () => {
  fc.assert(
    fc.property(fc.nat(1e7), fc.nat(1e7), fc.integer({ min: 31, max: 200 }), (a, b, columns) => {
      expect(progressLine(Math.min(a, b), Math.max(a, b), columns)).toHaveLength(columns - 1);
    }),
  );
  expect(progressLine(1, 2, 0)).toHaveLength(79);
  expect(progressLine(1950, 3900, 60)).toBe(
    '[##############              ]  1,950 of 3,900 events, 50 %',
  );
});
