import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderingOf } from './rendering.ts';

const column = (text: string) => {
  const [name = '', ...type] = text.split(' ');
  return { name, type: type.join(' ') };
};
const kindOf = (
  columns: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
) => renderingOf(columns.map(column), rows).kind;

test.each([
  ['number', ['count bigint'], [[5]]],
  ['number', ['n numeric'], [['9007199254740993']]],
  ['table', ['count bigint'], [[5], [6]]],
  ['table', ['word text'], [['a']]],
  ['bars', ['user text', 'count bigint'], [['a', 1]]],
  ['bars', ['wiki text', 'kind text', 'count bigint'], [['a', 'b', 1]]],
  ['bars', ['user text', 'mean double precision'], [['a', 1.5]]],
  ['table', ['user text', 'change bigint'], [['a', -1]]],
  ['table', ['user text', 'count bigint'], [['a', null]]],
  ['table', ['title text', 'page_id bigint'], [['a', 1]]],
  ['table', ['user text', 'a bigint', 'b bigint'], [['a', 1, 2]]],
  [
    'series',
    ['second bigint', 'count bigint'],
    [
      [1_700_000_000, 3],
      [1_700_000_001, 4],
    ],
  ],
  [
    'series',
    ['n bigint', 'day timestamp with time zone'],
    [
      [1, '2026-01-01'],
      [2, '2026-01-02'],
    ],
  ],
  ['bars', ['day date', 'count bigint'], [['2026-01-01', 1]]],
  [
    'table',
    ['second bigint', 'count bigint'],
    [
      [7, 3],
      [8, 4],
    ],
  ],
  ['table', [], []],
] as const)('%s suits %j', (kind, columns, rows) => {
  expect(kindOf(columns, rows)).toBe(kind);
});

test('whatever the columns and rows, there is a rendering, and bars are ranked', () => {
  const types = fc.constantFrom('text', 'bigint', 'boolean', 'numeric', 'timestamptz', 'jsonb');
  const value = fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true }), fc.constant(null));
  const view = fc
    .array(fc.record({ name: fc.constantFrom('id', 'second', 'user', 'n'), type: types }))
    .chain((columns) =>
      fc.tuple(fc.constant(columns), fc.array(fc.tuple(...columns.map(() => value)))),
    );
  fc.assert(
    fc.property(view, ([columns, rows]) => {
      const rendering = renderingOf(columns, rows);
      if (rendering.kind !== 'bars') return;
      const counts = rendering.leaders.map(({ count }) => Number(count));
      expect(counts).toEqual(counts.toSorted((a, b) => b - a));
      expect(new Set(rendering.leaders.map(({ key }) => key)).size).toBe(rows.length);
    }),
  );
});
