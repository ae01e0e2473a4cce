import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../protocol/update.ts';
import { sortRows } from './sorted.ts';

const COLUMNS = [
  { name: 'user', type: 'text' },
  { name: 'count', type: 'bigint' },
];

test('ties are decided by the other columns, ascending, whatever the direction', () => {
  const rows = [
    ['b', 2],
    ['a', 2],
    ['c', 3],
  ];
  const options = { by: 'count', descending: true, limit: 2 };
  expect(sortRows(rows, COLUMNS, options)).toEqual([
    ['c', 3],
    ['a', 2],
  ]);
});

test('texts are in the order of their UTF-8 bytes, as COLLATE "C" has it', () => {
  const texts = fc.array(fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(texts, (all) => {
      const sorted = sortRows(
        all.map((text) => [text]),
        [{ name: 'user', type: 'text' }],
        { by: 'user' },
      );
      const bytes = all.map((text) => [Buffer.from(text), text] as const);
      bytes.sort(([a], [b]) => Buffer.compare(a, b));
      expect(sorted.map(([text]) => text)).toEqual(bytes.map(([, text]) => text));
    }),
  );
});

test('numbers are in order of value, also where they travel as texts; NULL is above all', () => {
  const rows: Json[][] = [[null], ['90071992547409930'], [10], [9], ['-90071992547409930'], [null]];
  const columns = [{ name: 'n', type: 'bigint' }];
  const ascending = ['-90071992547409930', 9, 10, '90071992547409930', null, null];
  expect(sortRows(rows, columns, { by: 'n' }).flat()).toEqual(ascending);
  expect(sortRows(rows, columns, { by: 'n', descending: true }).flat()).toEqual(
    ascending.toReversed(),
  );
});

test('a column that is not there is named, with those that are', () => {
  expect(() => sortRows([['a', 1]], COLUMNS, { by: 'cuont' })).toThrow(
    'expected a column to sort by, one of user, count; got cuont',
  );
});
