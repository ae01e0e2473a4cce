import { expect, test } from 'vitest';
import { type Field, parseTime, rowParser } from './rows.ts';

const FIELDS: readonly Field[] = [
  { name: 'mz_timestamp', typeOid: 1700 },
  { name: 'mz_progressed', typeOid: 16 },
  { name: 'mz_diff', typeOid: 20 },
  { name: 'user', typeOid: 25 },
  { name: 'count', typeOid: 20 },
];
const END = '18446744073709551615';

test('a progress row gives its time', () => {
  const parse = rowParser(FIELDS);
  expect(parse(['1795229758058', 't', null, null, null])).toEqual({
    kind: 'progress',
    time: 1795229758058,
  });
  expect(parse([END, 't', null, null, null])).toEqual({ kind: 'progress', time: 'end' });
});

test('a data row gives its identity', () => {
  const parse = rowParser(FIELDS);
  expect(parse(['1795229759057', 'f', '-2', 'Fæ', '59'])).toEqual({
    kind: 'data',
    time: 1795229759057,
    row: '["Fæ",59]',
    diff: -2,
  });
});

test('columns of a view that are named like the leading ones are its own', () => {
  const parse = rowParser([...FIELDS.slice(0, 3), { name: 'mz_diff', typeOid: 20 }]);
  expect(parse(['1', 'f', '1', '7'])).toEqual({ kind: 'data', time: 1, row: '[7]', diff: 1 });
});

test('a stream without progress is refused', () => {
  expect(() => rowParser(FIELDS.toSpliced(1, 1))).toThrow('expected columns starting with');
});

test.each(['0', 'x', null])('a diff of %s is refused', (diff) => {
  expect(() => rowParser(FIELDS)(['1', 'f', diff, 'a', '1'])).toThrow('expected an mz_diff');
});

test.each(['-1', '1.5', '9007199254740992', '', null])('a time of %s is refused', (time) => {
  expect(() => parseTime(time === '' ? 'x' : time)).toThrow('expected a timestamp');
});
