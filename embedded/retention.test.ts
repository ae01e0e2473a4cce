import { expect, test } from 'vitest';
import { takeRetention } from './retention.ts';

test('RETAIN is taken out, other options stay', () => {
  const taken = takeRetention(
    `CREATE TABLE t (a text DEFAULT ') with (', b int) WITH (RETAIN ROWS 250000, fillfactor = 70, RETAIN FOR '70 minutes')`,
  );
  expect(taken).toEqual({
    sql: `CREATE TABLE t (a text DEFAULT ') with (', b int) WITH (fillfactor = 70)`,
    table: 't',
    retention: { rows: 250_000, interval: '70 minutes' },
  });
});

test.each([
  ['CREATE TABLE IF NOT EXISTS public."My T" (a int) WITH (RETAIN ROWS 5)', 'My T'],
  ['create table t (a int) with (retain rows = 5)', 't'],
])('%s', (sql, table) => {
  const taken = takeRetention(sql);
  expect(taken).toMatchObject({ table, retention: { rows: 5, interval: null } });
  expect(taken.sql).not.toMatch(/retain/i);
});

test.each([
  'CREATE TABLE retain (a int)',
  'INSERT INTO t VALUES (1) -- create table with (retain rows 5)',
  'CREATE TABLE t (retain int) WITH (fillfactor = 70)',
  'CREATE TABLE t AS WITH retain AS (SELECT 1) SELECT * FROM retain',
])('%s has none', (sql) => {
  const { retention, sql: left } = takeRetention(sql);
  expect(left).toBe(sql);
  expect(retention).toBeNull();
});

test('what RETAIN does not take is refused in a sentence', () => {
  expect(() => takeRetention('CREATE TABLE t (a int) WITH (RETAIN EVERYTHING)')).toThrow(
    /RETAIN takes ROWS and a number/,
  );
});
