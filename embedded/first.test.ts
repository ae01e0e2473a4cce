import { expect, test } from 'vitest';
import { distinctKeys, readFirst } from './first.ts';
import type { PlanNode } from './plan.ts';

const unique = (sortKey: readonly string[], output: readonly string[]): PlanNode => ({
  'Node Type': 'Unique',
  Output: output,
  Plans: [
    {
      'Node Type': 'Sort',
      'Sort Key': sortKey,
      Plans: [{ 'Node Type': 'Seq Scan', 'Relation Name': 't', Schema: 'public', Alias: 't' }],
    },
  ],
});

test('keys, order and columns are told apart', () => {
  const plan = unique(
    ['t.a', 't.b DESC', 't.c DESC NULLS LAST', "((t.d ->> 'x, y'::text)) NULLS FIRST"],
    ['t.a', 't.c', 't.b'],
  );
  expect(readFirst(plan, 1, 2)).toMatchObject({
    shape: {
      keys: ['t.a'],
      order: [
        { sql: 't.b', descending: true, nullsFirst: true },
        { sql: 't.c', descending: true, nullsFirst: false },
        { sql: "((t.d ->> 'x, y'::text))", descending: false, nullsFirst: true },
      ],
      columns: ['t.a', 't.c'],
    },
  });
});

test.each([
  [' SELECT DISTINCT ON (key) key, value FROM t', 1],
  [' SELECT DISTINCT ON ((lower(a)), (b || \',\'::text), "c,(") a FROM t', 3],
  [' SELECT DISTINCT a FROM t', 0],
  [' SELECT a FROM ( SELECT DISTINCT ON (b) a FROM t) x', 0],
])('%s is distinct on %i', (query, keys) => {
  expect(distinctKeys(query)).toBe(keys);
});

test('without an order within the groups, or of more than a table, it is left to others', () => {
  expect(readFirst(unique(['t.a'], ['t.a']), 1, 1)).toBeTypeOf('string');
  expect(readFirst({ 'Node Type': 'Unique', Plans: [] }, 1, 1)).toBeTypeOf('string');
});
