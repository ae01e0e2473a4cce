import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../tests/runs.ts';
import { makeView, openCore, Reader, run, runTogether } from './core-probe.ts';
import { query } from './wire/request.ts';

/**
 * Each transaction also inserts its number into `txn`, so that a reader of `txn` knows which
 * transactions a timestamp covers. The oracle is a PostgreSQL without pg_ivm and without our code
 * that runs those transactions and SELECTs: every view must show the same at every timestamp.
 */

const TABLES = [
  'CREATE TABLE txn (n integer)',
  'CREATE TABLE e (id integer, "user" text, bot boolean, len integer, big bigint, price numeric(10,2), any_number numeric, at timestamptz)',
  'CREATE TABLE w (name text, title text, "Odd ""Name" text)',
];

const VIEWS: Readonly<Record<string, string>> = {
  plain: 'SELECT * FROM e',
  linear: 'SELECT id, upper("user") AS u, len * 2 AS twice, at FROM e WHERE bot IS NOT TRUE',
  linear2: 'SELECT u FROM linear WHERE twice > 4',
  counter: 'SELECT count(*) AS count FROM e',
  users: 'SELECT "user", count(*) AS count FROM e GROUP BY "user"',
  named_users: 'SELECT "user", count(*) AS count FROM e WHERE "user" IS NOT NULL GROUP BY "user"',
  top3: 'SELECT "user", count FROM named_users ORDER BY count DESC, "user" LIMIT 3',
  sums: 'SELECT bot, sum(len) AS s, avg(len) AS a, sum(big) AS b, sum(price) AS p, count(len) FILTER (WHERE len > 2) AS f FROM e GROUP BY bot',
  total: 'SELECT sum(len) AS s, avg(big) AS a, count("user") AS c FROM e WHERE len > 1',
  fractions: 'SELECT sum(any_number) AS s, bot FROM e GROUP BY bot',
  numbers: 'SELECT any_number FROM e WHERE len > 1',
  days: `SELECT date_trunc('day', at) AS day, count(*) FROM e GROUP BY 1`,
  two_keys: `SELECT "user" || '!' AS who, bot, count(*) AS n FROM e GROUP BY 1, 2`,
  no_key_shown: 'SELECT count(*) AS n FROM e GROUP BY "user"',
  over_view: 'SELECT u, count(*) AS n FROM linear GROUP BY u',
  over_mv: 'SELECT "user" FROM users WHERE count > 1',
  extremes: 'SELECT bot, min(len) AS least, max("user") AS last FROM e GROUP BY bot',
  joined: 'SELECT e.id, w.title, w."Odd ""Name" AS odd FROM e JOIN w ON w.name = e."user"',
  self: 'SELECT a.id AS a, b.id AS b FROM e AS a JOIN e AS b ON a."user" = b."user" WHERE a.id < b.id',
  outer_join: 'SELECT e.id, w.title FROM e LEFT JOIN w ON w.name = e."user"',
  distinct_users: 'SELECT DISTINCT "user" FROM e',
  distinct_pairs: 'SELECT DISTINCT "user", bot FROM linear_source',
  linear_source: 'SELECT "user", bot FROM e',
  busy: 'SELECT "user", count(*) AS n FROM e GROUP BY "user" HAVING count(*) > 1',
  ranked: 'SELECT id, rank() OVER (PARTITION BY bot ORDER BY len) AS r FROM e',
  either: 'SELECT "user" AS name FROM e UNION SELECT name FROM w',
  existing: 'SELECT id FROM e WHERE EXISTS (SELECT FROM w WHERE w.name = e."user")',
  missing: 'SELECT id FROM e WHERE NOT EXISTS (SELECT FROM w WHERE w.name = e."user")',
  empty: 'SELECT id FROM e WHERE id < 0',
  never: 'SELECT id FROM e WHERE false',
  firsts:
    'SELECT DISTINCT ON ("user") "user", id, upper("user") AS u FROM e WHERE id < 8 ORDER BY "user", len DESC, id, at, big, price, any_number, bot',
  lasts:
    'SELECT DISTINCT ON ("user", bot) id FROM e ORDER BY bot, "user", len DESC NULLS LAST, id DESC',
  over_firsts: 'SELECT u FROM firsts WHERE id > 2',
  top_firsts: 'SELECT id, u FROM firsts ORDER BY id DESC, u LIMIT 2',
  list: `SELECT bot, string_agg("user", ',' ORDER BY "user", id) AS l FROM e GROUP BY bot`,
  cte: 'WITH x AS (SELECT "user" AS u FROM e WHERE len > 2) SELECT x.u, w.title FROM x JOIN w ON w.name = x.u',
};
/** Views stand after those they use. */
const ORDER = Object.keys(VIEWS).toSorted(
  (a, b) => Number(a === 'distinct_pairs') - Number(b === 'distinct_pairs'),
);

interface Step {
  readonly statements: readonly string[];
  readonly commits: boolean;
  readonly pauses: boolean;
}

const literal = (value: string | number | boolean | null): string =>
  typeof value === 'string' ? `'${value}'` : String(value);
const user = fc.constantFrom('a', 'b', 'c', 'd', 'é "q"', null);
const row = fc.tuple(
  fc.integer({ min: 0, max: 9 }),
  user,
  fc.constantFrom(true, false, null),
  fc.constantFrom(1, 2, 3, 4, null),
  fc.constantFrom('7', '9007199254740993', null),
  fc.constantFrom('1.10', '2.25', '-1.10', null),
  fc.constantFrom('1.0', '1.00', '2', null),
  fc.constantFrom('2021-08-27 23:30:00+00', '2021-08-28 00:30:00+00'),
);
const insertE = fc
  .array(row, { minLength: 1, maxLength: 4 })
  .map(
    (rows) =>
      `INSERT INTO e VALUES ${rows.map((each) => `(${each.map(literal).join(', ')})`).join(', ')}`,
  );
const insertW = fc
  .tuple(user, fc.constantFrom('x', 'y'), fc.constantFrom('p', null))
  .map((each) => `INSERT INTO w VALUES (${each.map(literal).join(', ')})`);
const condition = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map((id) => `id = ${id}`),
  user.map((name) => `"user" IS NOT DISTINCT FROM ${literal(name)}`),
  fc.constant('len > 2'),
);
const change = fc.oneof(
  { weight: 5, arbitrary: insertE },
  { weight: 1, arbitrary: insertW },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          `"user" = 'b'`,
          'len = len + 1',
          'bot = NOT bot',
          'any_number = 1.0',
          'id = id',
        ),
        condition,
      )
      .map(([set, where]) => `UPDATE e SET ${set} WHERE ${where}`),
  },
  { weight: 2, arbitrary: condition.map((where) => `DELETE FROM e WHERE ${where}`) },
  {
    weight: 1,
    arbitrary: fc.constant(`UPDATE w SET title = title || 'z' WHERE length(title) < 3`),
  },
  { weight: 1, arbitrary: user.map((name) => `DELETE FROM w WHERE name = ${literal(name)}`) },
);
const step: fc.Arbitrary<Step> = fc.record({
  statements: fc.array(change, { minLength: 1, maxLength: 3 }),
  commits: fc.nat(9).map((n) => n > 0),
  pauses: fc.boolean(),
});
const workload = fc.array(step, { minLength: 30, maxLength: 60 });

async function applyStep(
  core: Awaited<ReturnType<typeof openCore>>,
  each: Step,
  n: number,
): Promise<void> {
  const statements = [...each.statements, `INSERT INTO txn VALUES (${n})`];
  await runTogether(core, statements, each.commits);
  if (each.pauses) await core.now();
}

async function rowsOf(oracle: PGlite, view: string): Promise<readonly string[]> {
  const { messages } = await oracle.execProtocol(query(`SELECT * FROM ${view}`));
  const rows: string[] = [];
  for (const message of messages) {
    if (message.name === 'dataRow' && 'fields' in message && Array.isArray(message.fields)) {
      rows.push(message.fields.map((field) => field ?? 'NULL').join('|'));
    }
  }
  return rows.toSorted();
}

const SEED = Number(process.env.SEED ?? 20_210_827);
const RUNS = runs(2);

test(`every view equals its query at every timestamp, whatever was done (SEED=${SEED})`, async () => {
  const result = await fc.check(fc.asyncProperty(workload, checkWorkload), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: true,
  });
  if (!result.failed) return;
  const at = `SEED=${result.seed}, run ${result.counterexamplePath}`;
  const cause = result.errorInstance;
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`views and oracle differ: ${at}: ${why}`, { cause });
}, 300_000);

async function checkWorkload(steps: readonly Step[]): Promise<void> {
  const core = await openCore();
  const oracle = new PGlite();
  try {
    await oracle.exec(`SET timezone = 'UTC'; ${TABLES.join('; ')}`);
    for (const sql of TABLES) await run(core, sql);
    const half = Math.floor(steps.length / 3);
    for (const name of ORDER) {
      const sql = VIEWS[name] ?? '';
      await oracle.exec(`CREATE VIEW ${name} AS ${sql}`);
      await makeView(core, name, sql);
    }
    const readers = new Map<string, Reader>();
    for (const [n, each] of steps.entries()) {
      if (n === half)
        for (const name of ['txn', ...ORDER]) readers.set(name, await Reader.open(core, name));
      await applyStep(core, each, n);
    }
    const last = await core.now();
    for (const reader of readers.values()) await reader.until(last);
    await compare(steps, readers, oracle);
    for (const name of ORDER) {
      const selected = (await run(core, `SELECT * FROM ${name}`)).map((each) => each.join('|'));
      expect(selected.toSorted(), `SELECT from ${name}`).toEqual(await rowsOf(oracle, name));
    }
  } finally {
    await core.close();
    await oracle.close();
  }
}

async function compare(
  steps: readonly Step[],
  readers: ReadonlyMap<string, Reader>,
  oracle: PGlite,
): Promise<void> {
  const txn = readers.get('txn');
  const started = [...readers.values()].map((reader) => reader.subscription.asOf);
  const start = started.toSorted((a, b) => Number(b - a))[0] ?? 0n;
  const covered = new Map<bigint, number[]>();
  for (const { time, row: n } of txn?.updates ?? []) {
    covered.set(time, [...(covered.get(time) ?? []), Number(n)]);
  }
  for (const [time, numbers] of [...covered].toSorted(([a], [b]) => Number(a - b))) {
    for (const n of numbers.toSorted((a, b) => a - b)) {
      for (const sql of steps[n]?.statements ?? []) await oracle.exec(sql);
    }
    if (time < start) continue;
    for (const name of ORDER) {
      const reader = readers.get(name);
      expect(reader?.at(time), `${name} at ${time}`).toEqual(await rowsOf(oracle, name));
    }
  }
}
