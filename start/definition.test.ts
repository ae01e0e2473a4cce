import { expect, test } from 'vitest';
import { readDefinitions } from './definition.ts';

const SOURCE = `-- CREATE VIEW ghost AS SELECT 1;
CREATE TABLE t (a int); -- rows

/* a view; with a semicolon */
CREATE OR REPLACE MATERIALIZED VIEW "Big One" (a, "as") AS
  SELECT a, ';' AS b FROM t;
create view if not exists plain as (select 1)`;

test('statements are found with their names, kinds, lines and queries', () => {
  const found = readDefinitions('sql/views/a.sql', SOURCE);
  expect(found.map(({ name, kind, line }) => [name, kind, line])).toEqual([
    ['t', 'table', 2],
    ['Big One', 'materialized-view', 5],
    ['plain', 'view', 7],
  ]);
  expect(found.map(({ sql, queryStart }) => queryStart && sql.slice(queryStart))).toEqual([
    null,
    "SELECT a, ';' AS b FROM t",
    '(select 1)',
  ]);
});

test('space, comments and the case of words make no difference, strings do', () => {
  const print = (sql: string) => readDefinitions('f', sql)[0]?.fingerprint;
  expect(print('CREATE VIEW v AS SELECT 1')).toBe(print('create  view v as -- x\nselect 1 ;'));
  expect(print("CREATE VIEW v AS SELECT 'a'")).not.toBe(print("CREATE VIEW v AS SELECT 'A'"));
  expect(print('CREATE VIEW v AS SELECT "a"')).not.toBe(print('CREATE VIEW v AS SELECT a'));
});

test('what is none of the kinds is told with its line', () => {
  expect(() => readDefinitions('f.sql', 'CREATE VIEW v AS SELECT 1;\nDROP VIEW v')).toThrow(
    /^f\.sql:2: expected CREATE TABLE, VIEW.*"DROP VIEW v …"/,
  );
  expect(() => readDefinitions('f.sql', 'CREATE VIEW s.v AS SELECT 1')).toThrow(/bare name/);
  expect(() => readDefinitions('f.sql', "CREATE VIEW v AS\n\nSELECT 'a")).toThrow(
    'f.sql:3: a quote is opened and not closed',
  );
  expect(readDefinitions('f.sql', ' ;; -- nothing')).toEqual([]);
});
