import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitFrames } from './frames.ts';
import { copyRows, dataRows, type WireRow } from './rows.ts';

const rows = fc.array(fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 5 }));
const wire = (row: readonly (string | null)[]): WireRow =>
  row.map((value) => (value === null ? null : Buffer.from(value)));

function readDataRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  for (let at = 2; at < body.length; ) {
    const length = body.readInt32BE(at);
    values.push(length === -1 ? null : body.toString('utf8', at + 4, at + 4 + length));
    at += 4 + Math.max(0, length);
  }
  return values;
}

/** COPY's text format read as the PostgreSQL manual describes it. */
function readCopyLine(line: string): (string | null)[] {
  const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return line
    .slice(0, -1)
    .split('\t')
    .map((value) =>
      value === '\\N'
        ? null
        : value.replaceAll(/\\([\s\S])/g, (_, letter: string) => escapes[letter] ?? letter),
    );
}

test('data rows read back as they were', () => {
  fc.assert(
    fc.property(rows, (given) => {
      const frames = [...splitFrames(dataRows(given.map(wire)))];
      expect(frames.map((one) => readDataRow(one.body))).toEqual(given);
    }),
  );
});

test('copied rows are one frame and one line each, and read back as they were', () => {
  fc.assert(
    fc.property(rows, (given) => {
      const full = given.filter((row) => row.length > 0);
      const lines = [...splitFrames(copyRows(full.map(wire)))].map((one) => one.body.toString());
      expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
      expect(lines.map(readCopyLine)).toEqual(full);
    }),
  );
});
