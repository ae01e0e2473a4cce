import { expect, test } from 'vitest';
import { InsertRecognizer, joinInserts } from './inserts.ts';
import { Relations } from './relation.ts';
import { sampleRelation } from './relation-sample.ts';
import { frame, int16, int32, text } from './wire/backend.ts';
import { describe, EXECUTE_ALL, parse, query, SYNC } from './wire/request.ts';

const column = (name: string, type: string, typeOid: number, unnestable = true) => ({
  name,
  nullable: true,
  type,
  typeOid,
  unnestable,
});
const columns = [
  column('a', 'integer', 23),
  column('b', 'text', 25),
  column('c', 'text[]', 1009, false),
];
const relations = new Relations([sampleRelation({ id: 'u1', name: 't', columns })]);
const recognizer = new InsertRecognizer(() => relations);
const none = new Map<string, string>();

function bind(values: readonly (string | null)[]): Buffer {
  const encoded = values.flatMap((value) =>
    value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)],
  );
  return frame('B', text(''), text(''), int16(0), int16(values.length), ...encoded, int16(0));
}

function extended(sql: string, values: readonly (string | null)[], types: readonly number[] = []) {
  const frames = Buffer.concat([parse(sql, types), bind(values), describe('P'), EXECUTE_ALL, SYNC]);
  return { frames, sql };
}

const simple = (sql: string) => ({ frames: query(sql), sql });

test.each([
  `INSERT INTO t (a, b) VALUES (1, 'x')`,
  `insert into public."t" values (-1.5, E'it\\'s', null)`,
  `INSERT INTO t VALUES (DEFAULT, $$;)$$)`,
])('%s may be joined', (sql) => {
  const insert = recognizer.recognize(simple(sql), none);
  expect(insert).not.toBeNull();
  if (insert === null) return;
  expect(insert.answer.toString('latin1')).toContain('INSERT 0 1');
  const tuple = sql.slice(sql.toLowerCase().indexOf('values') + 7);
  expect(joinInserts([insert, insert]).toString()).toContain(`${sql}, ${tuple}`);
});

test.each([
  `INSERT INTO t VALUES (1), (2)`,
  `INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING`,
  `INSERT INTO t VALUES (1) RETURNING a`,
  `INSERT INTO t VALUES ((SELECT max(a) FROM t))`,
  `INSERT INTO t VALUES (nextval('s'))`,
  `INSERT INTO t SELECT 1`,
  `INSERT INTO t VALUES ('x'::text)`,
  `INSERT INTO unknown VALUES (1)`,
  `INSERT INTO t (nosuch) VALUES (1)`,
  `UPDATE t SET a = 1`,
  `INSERT INTO t VALUES (1); SELECT 1`,
])('%s runs alone', (sql) => {
  expect(recognizer.recognize(simple(sql), none)).toBeNull();
});

test('parameters become arrays, NULL and quotes included', () => {
  const sql = 'INSERT INTO t (b, a) VALUES ($1, $2)';
  const inserts = [
    recognizer.recognize(extended(sql, ['é "q" \\', '1']), none),
    recognizer.recognize(extended(sql, [null, '2']), none),
  ].flatMap((insert) => insert ?? []);
  expect(inserts).toHaveLength(2);
  const joined = joinInserts(inserts).toString();
  expect(joined).toContain(
    'INSERT INTO public."t" ("b", "a") SELECT * FROM unnest($1::text[], $2::integer[])',
  );
  expect(joined).toContain('{"é \\"q\\" \\\\",NULL}');
  expect(joined).toContain('{"1","2"}');
});

test.each([
  ['INSERT INTO t (b, a) VALUES ($2, $1)', ['1', 'x'], []],
  ['INSERT INTO t (b, a) VALUES ($1, $2)', ['x'], []],
  ['INSERT INTO t (c) VALUES ($1)', ['{1}'], []],
  ['INSERT INTO t (b) VALUES ($1)', ['1'], [23]],
  ['INSERT INTO t (b) VALUES (upper($1))', ['1'], []],
])('%s with %j runs alone', (sql, values, types) => {
  expect(recognizer.recognize(extended(sql, values, types), none)).toBeNull();
});

test('settings that change what a value means keep it alone', () => {
  const unit = simple('INSERT INTO t VALUES (1)');
  expect(recognizer.recognize(unit, new Map([['timezone', 'Europe/Berlin']]))).toBeNull();
  expect(recognizer.recognize(unit, new Map([['application_name', 'psql']]))).not.toBeNull();
});
