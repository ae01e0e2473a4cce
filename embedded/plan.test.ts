import { expect, test } from 'vitest';
import { findTopK, isPlainJoin, linearBase, type PlanNode } from './plan.ts';

const scan: PlanNode = {
  'Node Type': 'Seq Scan',
  'Relation Name': 't',
  Schema: 'public',
  Alias: 't',
  Filter: '(t.a > 1)',
};

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
