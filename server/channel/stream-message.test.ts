import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { add } from '../../protocol/multiset.ts';
import type { Changes, Diff, RowText } from '../../protocol/update.ts';
import { formatToken, parseToken } from './resume-token.ts';
import { encodeChanges, encodeSnapshot, frame, listRows } from './stream-message.ts';

const rowText = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.constant(null), fc.boolean()))
  .map((values) => JSON.stringify(values));
const changes = fc
  .array(fc.tuple(rowText, fc.integer({ min: -3, max: 3 })))
  .map((entries): Changes => new Map(entries.filter(([, diff]) => diff !== 0)));
const frontier = fc.maxSafeNat();

interface Message {
  readonly deleted: readonly unknown[];
  readonly inserted: readonly unknown[];
  readonly timestamp: unknown;
}

const fold = ({ deleted, inserted }: Message): Changes => {
  const folded = new Map<RowText, Diff>();
  for (const row of inserted) add(folded, JSON.stringify(row), 1);
  for (const row of deleted) add(folded, JSON.stringify(row), -1);
  return folded;
};

test('a message says exactly the changes, each row as often as its multiplicity', () =>
  fc.assert(
    fc.property(changes, frontier, (some, upper) => {
      const message = JSON.parse(encodeChanges(some, upper));
      expect(fold(message)).toEqual(some);
      expect(message.timestamp).toBe(upper);
    }),
  ));

test('the keys stand in the order and spacing of the original', () => {
  const some = new Map([
    ['["KrBot",41]', -1],
    ['["KrBot",47]', 2],
  ]);
  expect(encodeChanges(some, 1642600002000)).toBe(
    '{"deleted": [["KrBot",41]], "inserted": [["KrBot",47],["KrBot",47]], "timestamp": 1642600002000}',
  );
  expect(encodeSnapshot('', 5, false)).toBe('{"deleted": [], "inserted": [], "timestamp": 5}');
  expect(encodeSnapshot('[1]', 'end', true)).toBe(
    '{"deleted": [], "inserted": [[1]], "timestamp": "end", "snapshot": true}',
  );
});

test('no framing can be broken by what a row holds: one line, one event', () =>
  fc.assert(
    fc.property(changes, frontier, (some, upper) => {
      const text = encodeChanges(some, upper);
      const position = { epoch: 'abc', frontier: upper };
      expect(frame('message', text, position)).toBe(text);
      expect(frame('line', text, position).split(/\r\n|\n|\r/)).toEqual([text, '']);
      expect(frame('event', text, position).split(/\r\n|\n|\r/)).toEqual([
        `id: abc.${upper}`,
        `data: ${text}`,
        '',
        '',
      ]);
    }),
  ));

test('the rows of a snapshot are all rows, repeated', () => {
  expect(
    listRows(
      new Map([
        ['[1]', 2],
        ['[2]', 1],
      ]),
      1,
    ),
  ).toBe('[1],[1],[2]');
  expect(
    listRows(
      new Map([
        ['[1]', -2],
        ['[2]', 1],
      ]),
      -1,
    ),
  ).toBe('[1],[1]');
});

test('a resume token survives its text', () => {
  const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  const position = fc.record({ epoch, frontier: fc.oneof(frontier, fc.constant('end' as const)) });
  return fc.assert(
    fc.property(position, (token) => {
      expect(parseToken(formatToken(token))).toEqual(token);
    }),
  );
});

test('what is no resume token is read as null', () => {
  for (const text of [
    '',
    '.',
    'a.',
    '.1',
    'a.-1',
    'a.01',
    'a.1.5',
    'a.9007199254740993',
    'a.END',
  ]) {
    expect(parseToken(text)).toBeNull();
  }
  return fc.assert(
    fc.property(fc.string(), (text) => {
      const token = parseToken(text);
      if (token !== null) expect(formatToken(token)).toBe(text);
    }),
  );
});
