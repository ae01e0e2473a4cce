import { expect, test } from 'vitest';
import { splitStatements } from '../lexer.ts';
import { parseTimeout } from './cursor.ts';
import { replaceFunctions } from './functions.ts';
import { parseStatement } from './parse.ts';

function parse(sql: string) {
  const [statement] = splitStatements(sql);
  if (statement === undefined) throw new Error('nothing to parse');
  return parseStatement(statement);
}

const V = { relation: 'v' };

test.each([
  ['TAIL v', {}],
  ['tail materialize.public.v', {}],
  ['SUBSCRIBE TO v', {}],
  ['SUBSCRIBE v WITH (PROGRESS)', { progress: true }],
  ['SUBSCRIBE v WITH (PROGRESS = false, SNAPSHOT FALSE)', { snapshot: false }],
  ['TAIL v WITH (SNAPSHOT=off) AS OF 12', { snapshot: false, asOf: { time: 12n, atLeast: false } }],
  ["SUBSCRIBE v AS OF AT LEAST '12'::mz_timestamp", { asOf: { time: 12n, atLeast: true } }],
  ["SUBSCRIBE v AS OF '2022-07-01 00:00:00'", { asOf: { time: 1656633600000n, atLeast: false } }],
  [
    'SUBSCRIBE v AS OF 1 UP TO 18446744073709551615',
    { asOf: { time: 1n, atLeast: false }, upTo: 2n ** 64n - 1n },
  ],
  [
    'SUBSCRIBE v ENVELOPE UPSERT (KEY (a, "B")) WITH (PROGRESS)',
    { progress: true, upsertKey: ['a', 'B'] },
  ],
  ['SUBSCRIBE v UP TO 5 ENVELOPE UPSERT (KEY (a))', { upTo: 5n, upsertKey: ['a'] }],
  ['SUBSCRIBE to', { from: { relation: 'to' } }],
  ['SUBSCRIBE "V x"', { from: { relation: 'V x' } }],
  ['SUBSCRIBE mz_catalog.mz_objects', { from: { relation: 'mz_catalog.mz_objects' } }],
  ["SUBSCRIBE (SELECT ')' FROM (SELECT 1) x)", { from: { query: "SELECT ')' FROM (SELECT 1) x" } }],
])('%s', (sql, more) => {
  const { progress, upsertKey, ...request } = {
    progress: false,
    upsertKey: null,
    ...more,
  } as Record<string, unknown>;
  expect(parse(sql)).toEqual({
    kind: 'subscribe',
    keyword: sql.toLowerCase().startsWith('tail') ? 'TAIL' : 'SUBSCRIBE',
    progress,
    upsertKey,
    request: { from: V, snapshot: true, asOf: undefined, upTo: undefined, ...request },
  });
});

test.each([
  ['SUBSCRIBE', /expected a name, found the end/],
  ['SUBSCRIBE v WHERE x', /expected the end of the statement, found WHERE/],
  ['SUBSCRIBE v AS OF now()', /mz_timestamp/],
  ['SUBSCRIBE v AS OF NULL', /mz_timestamp/],
  ['SUBSCRIBE v AS OF -1', /mz_timestamp/],
  ['SUBSCRIBE v UP TO 18446744073709551616', /mz_timestamp/],
  ['SUBSCRIBE v WITH (COLOUR)', /PROGRESS or SNAPSHOT/],
  ['SUBSCRIBE v ENVELOPE UPSERT (KEY (a, a))', /more than once/],
  ['SUBSCRIBE v ENVELOPE DEBEZIUM (KEY (a))', /not supported/],
  ['SUBSCRIBE v WITHIN TIMESTAMP ORDER BY mz_diff', /not supported/],
  ['SUBSCRIBE (SELECT 1', /expected "\)"/],
  ['SAVEPOINT x', /SAVEPOINT/],
  ['ROLLBACK TO SAVEPOINT x', /savepoints/],
  ['TRUNCATE t', /DELETE/],
  ['DO $$ BEGIN END $$', /DO/],
  ['LISTEN x', /SUBSCRIBE/],
  ['CREATE SOURCE s FROM POSTGRES CONNECTION p', /Kafka alone/],
  ['CREATE SINK s FROM v INTO KAFKA', /sinks/],
  ['CREATE TEMP TABLE x (a int)', /temporary/],
  ["COPY t FROM '/etc/passwd'", /files or programs/],
  ["COPY t TO PROGRAM 'sh'", /files or programs/],
  ['COPY (TAIL v) TO STDOUT WITH (FORMAT binary)', /text only/],
  ['SELECT pg_terminate_backend(1)', /backend/],
  ['DECLARE c CURSOR WITH HOLD FOR TAIL v', /WITH HOLD/],
  ['DECLARE c CURSOR FOR INSERT INTO t VALUES (1)', /SELECT, SUBSCRIBE or TAIL/],
  ['FETCH BACKWARD 1 FROM c', /forward/],
  ['SET session_replication_role = replica', /one user/],
])('%s is refused with a sentence', (sql, message) => {
  expect(() => parse(sql)).toThrow(message);
});

test.each([
  ['FETCH c', { name: 'c', count: 1, timeoutMs: null }],
  ['FETCH 10 c', { name: 'c', count: 10, timeoutMs: null }],
  ['FETCH FORWARD 10 FROM "C"', { name: 'C', count: 10, timeoutMs: null }],
  ['FETCH FORWARD FROM c', { name: 'c', count: 1, timeoutMs: null }],
  ["FETCH ALL c WITH (timeout='1s')", { name: 'c', count: Infinity, timeoutMs: 1000 }],
  ["FETCH ALL IN c WITH (TIMEOUT '0s')", { name: 'c', count: Infinity, timeoutMs: 0 }],
  ['FETCH all', { name: 'all', count: 1, timeoutMs: null }],
])('%s', (sql, expected) => {
  expect(parse(sql)).toEqual({ kind: 'fetch', ...expected });
});

test('timeouts are intervals up to a day', () => {
  const cases = { '1s': 1000, '1.5 seconds': 1500, '100ms': 100, '00:00:02': 2000, '2': 2000 };
  for (const [text, ms] of Object.entries(cases)) expect(parseTimeout(text)).toBe(ms);
  expect(parseTimeout('1 minute 30s')).toBe(90_000);
  expect(parseTimeout('1 day')).toBe(86_400_000);
  expect(() => parseTimeout('25 hours')).toThrow('timeout out of range');
  expect(() => parseTimeout('-1s')).toThrow('negative');
  expect(() => parseTimeout('soon')).toThrow("such as '1s'");
});

test.each([
  ['SELECT 1', 'read'],
  ['WITH x AS (SELECT 1) SELECT * FROM x', 'read'],
  ['COPY t TO STDOUT', 'read'],
  ['VALUES (1)', 'read'],
  ['WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x', 'write'],
  ['SELECT * INTO x FROM y', 'write'],
  ["SELECT nextval('s')", 'write'],
  ['SELECT 1 FROM t FOR UPDATE', 'write'],
  ["SELECT 'insert'", 'read'],
  ['INSERT INTO t VALUES (1)', 'write'],
  ['CREATE TABLE t (a int)', 'write'],
])('%s is a %s', (sql, access) => {
  expect(parse(sql)).toMatchObject({ kind: 'backend', sql, access });
});

test('views are read with their columns and clauses', () => {
  const sql =
    'CREATE OR REPLACE MATERIALIZED VIEW IF NOT EXISTS public."V" (a, b) IN CLUSTER c WITH (RETAIN HISTORY FOR \'1h\') AS SELECT 1, 2';
  expect(parse(sql)).toEqual({
    kind: 'create-view',
    request: {
      name: 'V',
      columns: ['a', 'b'],
      query: 'SELECT 1, 2',
      materialized: true,
      orReplace: true,
      ifNotExists: true,
      sql,
    },
  });
  expect(parse('DROP MATERIALIZED VIEW IF EXISTS a, public.b CASCADE')).toEqual({
    kind: 'drop',
    what: 'materialized-view',
    names: ['a', 'b'],
    ifExists: true,
    cascade: true,
  });
  expect(parse('CREATE INDEX i ON v (a)')).toMatchObject({ kind: 'create-index', relation: 'v' });
});

test.each([
  ["SET TIME ZONE 'UTC'", { name: 'timezone', value: 'UTC', local: false }],
  ['SET SESSION search_path = a, "B c"', { name: 'search_path', value: 'a, "B c"', local: false }],
  ['SET LOCAL x.y TO 5', { name: 'x.y', value: '5', local: true }],
  ['SET extra_float_digits = -1', { name: 'extra_float_digits', value: '-1', local: false }],
  ['SET x TO DEFAULT', { name: 'x', value: null, local: false }],
])('%s', (sql, expected) => {
  expect(parse(sql)).toEqual({ kind: 'set', sql, ...expected });
});

const values = {
  version: 'v1',
  versionNumber: 7,
  environmentId: 'id',
  now: async () => 99n,
};

test('psql lists no tables of the engine itself', async () => {
  const sql = 'SELECT 1 FROM c WHERE pg_catalog.pg_table_is_visible(c.oid) AND x';
  expect(await replaceFunctions(sql, values)).toMatch(
    /^SELECT 1 FROM c WHERE \(pg_catalog.pg_table_is_visible\("c".oid\)\s+AND .*viewcast.* AND x$/,
  );
});

test.each([
  ['SELECT mz_version()', "SELECT 'v1'::text AS mz_version"],
  ['SELECT mz_now(), mz_catalog.mz_version_num() AS n', 'SELECT 99::numeric AS mz_now, 7 AS n'],
  ['SELECT 1 FROM t WHERE at < mz_logical_timestamp()', 'SELECT 1 FROM t WHERE at < 99::numeric'],
  ["SELECT 'mz_now()', (mz_now())", "SELECT 'mz_now()', (99::numeric)"],
  ['SELECT coalesce(1, mz_now(), 2)', 'SELECT coalesce(1, 99::numeric, 2)'],
  ['SELECT c.relhasoids, 1 FROM c', 'SELECT false, 1 FROM c'],
  ['SELECT mz_nothing()', 'SELECT mz_nothing()'],
])('%s runs as %s', async (sql, expected) => {
  expect(await replaceFunctions(sql, values)).toBe(expected);
});
