import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowText, rowValues } from './row.ts';

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)));

test('a row comes back from its text', () => {
  fc.assert(
    fc.property(fc.array(json), (values) => {
      expect(rowValues(rowText(values))).toEqual(values);
    }),
  );
});

test('different rows have different texts', () => {
  fc.assert(
    fc.property(fc.array(json), fc.array(json), (a, b) => {
      const equal = JSON.stringify(a) === JSON.stringify(b);
      expect(rowText(a) === rowText(b)).toBe(equal);
    }),
  );
});

test('a number and its text are different values', () => {
  expect(new Set([rowText([1]), rowText(['1']), rowText([null]), rowText(['null'])]).size).toBe(4);
});

test('what is no array is refused', () => {
  expect(() => rowValues('{"a":1}')).toThrow('a row is a JSON array');
});
