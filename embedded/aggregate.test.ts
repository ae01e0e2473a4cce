import { expect, test } from 'vitest';
import { readAggregate, readWindow } from './aggregate.ts';
import { findTopK, isPlainJoin, linearBase, type PlanNode } from './plan.ts';

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

test('a filter and projection is linear; a limit, a join or a grouping is not', () => {
  expect(linearBase(scan)).toEqual({ schema: 'public', name: 't' });
  expect(linearBase({ 'Node Type': 'Subquery Scan', Plans: [scan] })).not.toBeNull();
  expect(linearBase({ 'Node Type': 'Limit', Plans: [scan] })).toBeNull();
  expect(linearBase({ 'Node Type': 'Hash Join', Plans: [scan, scan] })).toBeNull();
  expect(linearBase({ ...scan, Plans: [scan] })).toBeNull();
  expect(linearBase({ 'Node Type': 'Result' })).toBeNull();
});

test('a sort below a limit names the index that replaces it', () => {
  const sort = {
    'Node Type': 'Sort',
    'Sort Key': ['s.n DESC', 's."odd ""k" COLLATE "C"'],
    Plans: [scan],
  };
  expect(findTopK({ 'Node Type': 'Limit', Plans: [sort] })).toEqual([
    { schema: 'public', table: 't', order: 'n DESC, "odd ""k" COLLATE "C"' },
  ]);
  const computed = { ...sort, 'Sort Key': ['((t.n + 1)) DESC NULLS LAST', 't.k'] };
  expect(findTopK({ 'Node Type': 'Limit', Plans: [computed] })).toEqual([
    { schema: 'public', table: 't', order: '((t.n + 1)) DESC NULLS LAST, k' },
  ]);
  const aggregated = { ...sort, 'Sort Key': ['count(*)'] };
  expect(findTopK({ 'Node Type': 'Limit', Plans: [aggregated] })).toEqual([]);
  const filter = '((t.n > 0) AND (t."g" = u.g) AND (t.h = \'a.b\'::text) AND (t.i = t.j))';
  const ofGroup = { ...sort, Plans: [{ ...scan, Filter: filter }] };
  expect(findTopK({ 'Node Type': 'Limit', Plans: [ofGroup] })).toEqual([
    { schema: 'public', table: 't', order: '"g", h, n DESC, "odd ""k" COLLATE "C"' },
  ]);
});

test('a window is read from among other conditions, and only in its one form', () => {
  const read = (filter: string) => readWindow(filter, 'NOW()', 't');
  expect(read("((t.u <> ') AND ('::text) AND (NOW() <= ((t.a + 60000))::numeric))")).toEqual({
    column: 't.a',
    spanMs: 60_000,
    rest: "(t.u <> ') AND ('::text)",
  });
  expect(read("(NOW() <= ('x AND y'::text)::numeric)")).toBeNull();
  expect(read('(NOW() <= (t.a)::numeric)')).toEqual({ column: 't.a', spanMs: 0, rest: null });
  expect(read('(NOW() < (t.a)::numeric)')).toBeNull();
  expect(read('((NOW() <= (t.a)::numeric) OR (t.b = 1))')).toBeNull();
  expect(read('((NOW() <= (t.a)::numeric) AND (NOW() > (t.b)::numeric))')).toBeNull();
  expect(read('(NOW() <= ((t.a * 2))::numeric)')).toMatchObject({ column: '(t.a * 2)' });
  expect(read('(NOW() <= ((u.a * 2))::numeric)')).toBeNull();
});

test('only inner joins of different tables are plain', () => {
  const other: PlanNode = { ...scan, 'Relation Name': 'u' };
  const join = (type: string, right: PlanNode): PlanNode => ({
    'Node Type': 'Hash Join',
    'Join Type': type,
    Plans: [scan, { 'Node Type': 'Hash', Plans: [right] }],
  });
  expect(isPlainJoin(join('Inner', other))).toBe(true);
  expect(isPlainJoin(join('Inner', scan))).toBe(false);
  expect(isPlainJoin(join('Semi', other))).toBe(false);
  expect(isPlainJoin({ 'Node Type': 'Aggregate', Plans: [join('Inner', other)] })).toBe(true);
  expect(isPlainJoin({ 'Node Type': 'WindowAgg', Plans: [scan] })).toBe(false);
});
