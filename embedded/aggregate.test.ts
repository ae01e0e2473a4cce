import { expect, test } from 'vitest';
import { readAggregate } from './aggregate.ts';
import type { PlanNode } from './plan.ts';

const scan: PlanNode = {
  'Node Type': 'Seq Scan',
  'Relation Name': 't',
  Schema: 'public',
  Alias: 't',
  Filter: '(t.a > 1)',
};
const grouped = (output: readonly string[], more: Partial<PlanNode> = {}): PlanNode => ({
  'Node Type': 'Aggregate',
  Strategy: 'Hashed',
  'Partial Mode': 'Simple',
  'Group Key': ['t.b', "(t.c ->> 'x'::text)"],
  Output: output,
  Plans: [scan],
  ...more,
});

test('keys, counts, sums and averages are read, parentheses or not', () => {
  const read = readAggregate(
    grouped([
      't.b',
      "((t.c ->> 'x'::text))",
      'count(*)',
      "sum(t.a) FILTER (WHERE (t.b <> ')'::text))",
      'avg(t.a)',
    ]),
  );
  expect(read).toMatchObject({
    shape: {
      alias: 't',
      filter: '(t.a > 1)',
      keys: ['t.b', "t.c ->> 'x'::text"],
      columns: [
        { kind: 'key', key: 0 },
        { kind: 'key', key: 1 },
        { kind: 'count', sql: 'count(*)' },
        { kind: 'sum', argument: 't.a' },
        { kind: 'avg', countSql: 'count(t.a)' },
      ],
    },
  });
});

test.each([
  'count(DISTINCT t.a)',
  'count(*) + sum(t.a)',
  '(count(*) + 1)',
  'sum(t.a ORDER BY t.b)',
  'max(t.a)',
  'string_agg(t.b, t.b)',
])('%s is left to others', (output) => {
  expect(readAggregate(grouped([output]))).toBeTypeOf('string');
});

test('HAVING, joins and subqueries are left to others', () => {
  expect(readAggregate(grouped(['count(*)'], { Filter: '(count(*) > 1)' }))).toBe('HAVING');
  expect(readAggregate(grouped(['count(*)'], { Plans: [scan, scan] }))).toBeTypeOf('string');
  expect(readAggregate(grouped(['count(*)'], { Plans: [{ ...scan, Plans: [scan] }] }))).toBeTypeOf(
    'string',
  );
});
