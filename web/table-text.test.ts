import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCsv, toJson } from './table-text.ts';

/** Reads CSV as RFC 4180 says; a field is its text and whether it was quoted. */
function readCsv(csv: string): string[][] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    lines.at(-1)?.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end === '\r\n') lines.push([]);
  }
  return lines.slice(0, -1);
}

const text = fc.string({ unit: 'grapheme' });
const columns = [
  { name: 'a', type: 'text' },
  { name: 'b "x", y', type: 'bigint' },
];

test('what is written as CSV is read back, one line for each row', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.oneof(fc.integer(), fc.boolean()))), (rows) => {
      const csv = toCsv({ view: 'v', timestamp: 1, columns, rows });
      const expected = rows.map(([a, b]) => [/^[=+\-@\t\r]/.test(a) ? `'${a}` : a, String(b)]);
      expect(readCsv(csv)).toEqual([columns.map(({ name }) => name), ...expected]);
    }),
  );
});

test('NULL and an empty text differ, and a nested value is JSON', () => {
  const rows = [
    [null, 1],
    ['', -2],
    ['=1+1', 3],
    [['x', { y: 1 }], 4],
  ];
  const csv = toCsv({ view: 'v', timestamp: 1, columns, rows });
  expect(csv.split('\r\n').slice(1)).toEqual([
    ',1',
    '"",-2',
    "'=1+1,3",
    '"[""x"",{""y"":1}]",4',
    '',
  ]);
  expect(JSON.parse(toJson({ view: 'v', timestamp: 1, columns, rows })).rows).toEqual(rows);
});
