import type { Json, RowText } from './update.ts';

/**
 * The identity of a row: the minified JSON array of its values, as `JSON.stringify` writes it. Equal
 * values give equal texts and different values different ones; values that JSON cannot say (NaN,
 * bigints, dates) must have become texts before (PROTOCOL.md, "Values").
 */
export function rowText(values: readonly Json[]): RowText {
  return JSON.stringify(values);
}

/**
 * The values of a row, in column order.
 *
 * @throws {SyntaxError} when the text is no JSON, {TypeError} when it is no array.
 */
export function rowValues(row: RowText): readonly Json[] {
  const values: unknown = JSON.parse(row);
  if (!Array.isArray(values)) throw new TypeError(`a row is a JSON array, got ${row}`);
  return values;
}
