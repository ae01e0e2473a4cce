import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOfDelta, keyOfRow, valuesOf } from './row-key.ts';
import { dataRows } from './wire/rows.ts';

const value = fc.option(fc.uint8Array({ maxLength: 20 }));
const row = fc.array(value, { minLength: 1, maxLength: 5 });
const bodyOf = (values: readonly (Uint8Array | null)[]): Buffer => dataRows([values]).subarray(5);
const plain = (values: readonly (Uint8Array | null)[]): unknown[] =>
  values.map((each) => each && [...each]);

test('a row is read back from its key', () => {
  fc.assert(
    fc.property(row, (values) => {
      expect(plain(valuesOf(keyOfRow(bodyOf(values))))).toEqual(plain(values));
    }),
  );
});

test('two rows have one key exactly when they are equal', () => {
  fc.assert(
    fc.property(row, row, (a, b) => {
      const areEqual = JSON.stringify(plain(a)) === JSON.stringify(plain(b));
      expect(keyOfRow(bodyOf(a)) === keyOfRow(bodyOf(b))).toBe(areEqual);
    }),
  );
});

test('a change has the key of its row', () => {
  fc.assert(
    fc.property(row, fc.constantFrom(1, -1), (values, diff) => {
      const change = bodyOf([Buffer.from(String(diff)), ...values]);
      expect(keyOfDelta(change)).toEqual({ key: keyOfRow(bodyOf(values)), diff });
    }),
  );
});
