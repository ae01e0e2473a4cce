import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codePointOrder } from './code-point-order.ts';
import { countOf, leadersOf } from './leaders.ts';

const name = fc.oneof(fc.constantFrom('a', 'b', null), fc.string({ unit: 'grapheme' }));
const rows = fc.array(fc.tuple(name, fc.integer({ min: 0, max: 3 })), { maxLength: 12 });

test('the same rows in any order make the same ranking, with keys of their own', () => {
  fc.assert(
    fc.property(
      rows.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, full(list)))),
      ([list, shuffled]) => {
        const leaders = leadersOf(list);
        expect(leadersOf(shuffled)).toEqual(leaders);
        expect(new Set(leaders.map(({ key }) => key)).size).toBe(leaders.length);
      },
    ),
  );
});

function full(list: readonly unknown[]) {
  return { minLength: list.length, maxLength: list.length };
}

test('greatest first, equal counts by name, NULL last', () => {
  const leaders = leadersOf([
    [null, 5],
    ['b', 5],
    ['a', 5],
    ['z', 9],
    ['big', '9007199254740993'],
  ]);
  expect(leaders.map((leader) => leader.name)).toEqual(['big', 'z', 'a', 'b', null]);
  expect(leaders[0]?.count).toBe(9007199254740993n);
});

test('the order of code points is the order of UTF-8 bytes', () => {
  const text = fc.string({ unit: 'binary' }).filter((one) => !/\p{Surrogate}/u.test(one));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(codePointOrder(a, b))).toBe(bytes);
    }),
  );
  expect(codePointOrder('😀', '\uff5e')).toBeGreaterThan(0);
});

test('a count is the first column of the first row', () => {
  expect(countOf([])).toBeNull();
  expect(countOf([[1950]])).toBe(1950);
});

test.each([[['a']], [['a', 1.5]], [['a', 'many']], [[1, 1]], [[]]])(
  'a row such as %j is refused with what was expected',
  (row) => {
    expect(() => leadersOf([row])).toThrow(/by a text, got|is a whole number, got/);
  },
);
