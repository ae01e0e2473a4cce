import fc from 'fast-check';
import { expect, test } from 'vitest';
import { displayWidth, formatTable } from './table.ts';

const left = (name: string) => ({ name, rightAligned: false });
const right = (name: string) => ({ name, rightAligned: true });

test('a table looks as psql prints it', () => {
  const table = formatTable({
    columns: [left('user'), right('count')],
    rows: [
      ['Fæ', '59'],
      [null, '1950'],
    ],
  });
  expect(table).toBe(
    [' user | count ', '------+-------', ' Fæ   |    59', '      |  1950', '(2 rows)', '', ''].join(
      '\n',
    ),
  );
});

test('an empty table and one row are counted as psql does', () => {
  expect(formatTable({ columns: [left('a')], rows: [] })).toBe(' a \n---\n(0 rows)\n\n');
  expect(formatTable({ columns: [right('a')], rows: [['1']] })).toBe(' a \n---\n 1\n(1 row)\n\n');
});

test('lines within a value go on below, with a mark', () => {
  const table = formatTable({ columns: [left('a'), left('b')], rows: [['x\nyy', 'one\ntwo']] });
  expect(table).toBe(' a  |  b  \n----+-----\n x +| one+\n yy | two\n(1 row)\n\n');
});

test('all columns of all rows stand below their heads, whatever they hold', () => {
  const cell = fc.option(fc.string({ unit: 'grapheme', maxLength: 8 }).map((s) => `|${s}`));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
      const text = formatTable({ columns: [left('first'), right('second')], rows });
      const lines = text.split('\n').slice(0, -3);
      const rule = lines.find((line) => /^-+\+-+$/.test(line)) ?? '';
      const bar = rule.indexOf('+');
      for (const line of lines) {
        if (line === rule) continue;
        let width = 0;
        const at = [...line].find((character) => {
          if (width === bar) return true;
          width += displayWidth(character);
          return false;
        });
        expect(at).toBe('|');
      }
    }),
  );
});

test('nothing that a value holds reaches the terminal as a command', () => {
  const table = formatTable({ columns: [left('a')], rows: [['\u001b[31m\u0007\u009b\r\t.']] });
  expect(table).toContain('\\x1B[31m\\x07\\u009B\\r');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
  expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('wide and combining characters take the cells that terminals give them', () => {
  expect(['', 'abc', '日本', 'é', '👍', '\u200f'].map(displayWidth)).toEqual([0, 3, 4, 1, 2, 0]);
});
