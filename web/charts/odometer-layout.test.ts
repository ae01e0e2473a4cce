import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wheelsAt } from './odometer-layout.ts';

test('a whole value shows its digits and nothing in between', () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (value) => {
      const wheels = wheelsAt(value, 17).filter(({ blank }) => !blank);
      const digits = wheels.reverse().map(({ turn }) => turn);
      expect(digits.join('')).toBe(String(value));
    }),
  );
});

test('a wheel turns only while all wheels to its right go from 9 to 0', () => {
  expect(wheelsAt(8.5, 3).map(({ turn }) => turn)).toEqual([8.5, 0, 0]);
  expect(wheelsAt(9.5, 3).map(({ turn }) => turn)).toEqual([9.5, 0.5, 0]);
  expect(wheelsAt(199.25, 3).map(({ turn }) => turn)).toEqual([9.25, 9.25, 1.25]);
  expect(wheelsAt(189.25, 3).map(({ turn }) => turn)).toEqual([9.25, 8.25, 1]);
});

test('leading zeros are blank until they turn', () => {
  expect(wheelsAt(7, 3).map(({ blank }) => blank)).toEqual([false, true, true]);
  expect(wheelsAt(9.1, 3).map(({ blank }) => blank)).toEqual([false, false, true]);
  expect(wheelsAt(0, 1).map(({ blank }) => blank)).toEqual([false]);
});
