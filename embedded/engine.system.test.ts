import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { EngineProcess } from './engine-process.ts';

/**
 * The engine as its users meet it: a process, and the clients they have. What is compared with
 * Materialize is compared with recordings of one (see the README there).
 */

let engine: EngineProcess;
const clients: pg.Client[] = [];

beforeAll(async () => {
  engine = await EngineProcess.start();
});
afterAll(() => engine?.stop());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {});
});

/** Raw text in, as the push server reads it. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: engine.url,
    types: { getTypeParser: () => (value: string) => value },
  });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

type Row = Record<string, string | null>;

/** A cursor over a subscription; its rows are gathered as they come. */
async function stream(
  statement: string,
): Promise<{ rows: Row[]; cursor: Cursor; client: pg.Client }> {
  const client = await connect();
  await client.query('BEGIN');
  const rows: Row[] = [];
  const cursor = client.query(new Cursor(statement));
  cursor.on('row', (row: Row) => rows.push(row));
  cursor.read(1_000_000, () => {});
  return { rows, cursor, client };
}

/** The view's rows and multiplicities, by adding up what came; mz_ columns aside. */
function fold(rows: readonly Row[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { mz_timestamp: _t, mz_progressed, mz_diff, ...values } of rows) {
    if (mz_progressed === 't') continue;
    const key = JSON.stringify(Object.values(values));
    sums[key] = (sums[key] ?? 0) + Number(mz_diff);
    if (sums[key] === 0) delete sums[key];
  }
  return sums;
}

function missing(what: string, reason: string | null): boolean {
  if (reason !== null && process.env.REQUIRE_ALL === '1') throw new Error(`${what}: ${reason}`);
  return reason !== null;
}

const eventually = { timeout: 15_000, interval: 20 };

test('it says what it is', async () => {
  const client = await connect();
  const { rows } = await client.query(
    'SELECT mz_version(), mz_version_num(), mz_environment_id() AS id, mz_now() > 1600000000000 AS now',
  );
  expect(rows[0]).toMatchObject({ mz_version: expect.stringMatching(/^v26\./), now: 't' });
  expect(rows[0].id).toMatch(/^[0-9a-f-]{36}$/);
  expect((await client.query('SHOW mz_version')).rows[0].mz_version).toBe(rows[0].mz_version);
});

test('views are made, shown, described and dropped', async () => {
  const client = await connect();
  await client.query('CREATE TABLE made (k int NOT NULL, v text)');
  await client.query(
    'CREATE MATERIALIZED VIEW made_counts AS SELECT v, count(*) AS n FROM made GROUP BY v',
  );
  await client.query('CREATE VIEW made_plain AS SELECT k FROM made');
  await client.query("INSERT INTO made VALUES (1, 'a'), (2, 'a'), (3, NULL)");
  const names = async (what: string) =>
    (await client.query(`SHOW ${what} LIKE 'made%'`)).rows.map((row: Row) => row.name);
  expect(await names('VIEWS')).toEqual(['made_counts', 'made_plain']);
  expect(await names('MATERIALIZED VIEWS')).toEqual(['made_counts']);
  expect(await names('TABLES')).toEqual(['made']);
  const columns = await client.query('SHOW COLUMNS FROM made_counts');
  expect(columns.rows.map((row: Row) => [row.name, row.type])).toEqual([
    ['v', 'text'],
    ['n', 'bigint'],
  ]);
  expect(
    (await client.query('SHOW CREATE MATERIALIZED VIEW made_counts')).rows[0].create_sql,
  ).toMatch(/^CREATE MATERIALIZED VIEW made_counts AS .*;$/);
  expect((await client.query('SELECT * FROM made_counts ORDER BY n')).rows).toEqual([
    { v: null, n: '1' },
    { v: 'a', n: '2' },
  ]);
  await client.query('DROP MATERIALIZED VIEW made_counts');
  expect(await names('VIEWS')).toEqual(['made_plain']);
  await expect(client.query('SHOW COLUMNS FROM made_counts')).rejects.toMatchObject({
    code: 'XX000',
  });
});

test('a cursor over SUBSCRIBE gets the snapshot, then each change, and closes', async () => {
  const writer = await connect();
  await writer.query('CREATE TABLE streamed (k int, v text)');
  await writer.query(
    'CREATE MATERIALIZED VIEW streamed_n AS SELECT v, count(*) AS n FROM streamed GROUP BY v',
  );
  await writer.query("INSERT INTO streamed VALUES (1, 'a'), (2, 'b')");
  const { rows, cursor, client } = await stream('SUBSCRIBE streamed_n WITH (PROGRESS)');
  await expect.poll(() => fold(rows), eventually).toEqual({ '["a","1"]': 1, '["b","1"]': 1 });
  await writer.query("INSERT INTO streamed VALUES (3, 'a')");
  await expect.poll(() => fold(rows), eventually).toEqual({ '["a","2"]': 1, '["b","1"]': 1 });
  await writer.query("DELETE FROM streamed WHERE v = 'b'");
  await expect.poll(() => fold(rows), eventually).toEqual({ '["a","2"]': 1 });
  const times = rows.map((row) => Number(row.mz_timestamp));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(rows[0]?.mz_progressed).toBe('t');
  await cursor.close();
  await client.query('COMMIT');
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: '1' }]);
});

test('writers and watchers at the same time: every watcher ends where SELECT does', async () => {
  const admin = await connect();
  await admin.query('CREATE TABLE many (w int, n int)');
  await admin.query(
    'CREATE MATERIALIZED VIEW many_sums AS SELECT w, count(*) AS c, sum(n) AS s FROM many GROUP BY w',
  );
  const watchers = await Promise.all([1, 2, 3].map(() => stream('TAIL many_sums')));
  const write = async (w: number): Promise<void> => {
    const client = await connect();
    for (let n = 0; n < 20; n++) {
      await client.query('INSERT INTO many VALUES ($1, $2)', [w, n]);
      if (n % 5 > 0) continue;
      await client.query('BEGIN');
      await client.query('INSERT INTO many VALUES ($1, 1000)', [w]);
      await client.query(n % 2 === 0 ? 'ROLLBACK' : 'COMMIT');
    }
  };
  await Promise.all([1, 2, 3, 4].map(write));
  const { rows } = await admin.query({ text: 'SELECT * FROM many_sums', rowMode: 'array' });
  expect(rows).toHaveLength(4);
  const wanted = Object.fromEntries(rows.map((row: unknown) => [JSON.stringify(row), 1]));
  for (const watcher of watchers)
    await expect.poll(() => fold(watcher.rows), eventually).toEqual(wanted);
});

test('subscribing ends with the error of its cause', async () => {
  const client = await connect();
  await client.query('CREATE TABLE doomed (a int)');
  const ended = expect(client.query('SUBSCRIBE doomed')).rejects.toMatchObject({ code: '42704' });
  await new Promise((resolve) => client.once('notice', resolve));
  const other = await connect();
  await other.query('DROP TABLE doomed');
  await ended;
  await expect(client.query('TAIL doomed')).rejects.toMatchObject({ code: 'XX000' });
  await client.query('CREATE TABLE doomed (a int)');
  await expect(client.query('SUBSCRIBE doomed AS OF 5')).rejects.toMatchObject({ code: '22000' });
  await expect(client.query('SUBSCRIBE doomed AS OF 5 UP TO 4')).rejects.toMatchObject({
    code: '22000',
  });
});

test('a bounded subscription is finite, with and without a snapshot', async () => {
  const client = await connect();
  await client.query('CREATE TABLE bounded (a int)');
  const at = await captured('bounded', () => client.query('INSERT INTO bounded VALUES (1)'));
  const all = await client.query(`SUBSCRIBE bounded AS OF ${at} UP TO ${at + 1}`);
  expect(all.rows).toEqual([{ mz_timestamp: String(at), mz_diff: '1', a: '1' }]);
  const none = await client.query(
    `SUBSCRIBE bounded WITH (SNAPSHOT = false) AS OF ${at} UP TO ${at + 1}`,
  );
  expect(none.rows).toEqual([]);
});

/** Watches a relation while it is written to; returns the time of the newest row. */
async function captured(relation: string, write: () => Promise<unknown>): Promise<number> {
  const { rows } = await stream(`SUBSCRIBE ${relation} WITH (PROGRESS)`);
  const newest = () => rows.findLast((row) => row.mz_progressed === 'f')?.mz_timestamp ?? '0';
  // The snapshot is complete at the second progress row.
  const progressed = () => rows.filter((row) => row.mz_progressed === 't').length;
  await expect.poll(progressed, eventually).toBeGreaterThan(1);
  const before = Number(newest());
  await write();
  await expect.poll(() => Number(newest()), eventually).toBeGreaterThan(before);
  return Number(newest());
}

const noPsql = spawnSync('psql', ['--version']).status === 0 ? null : 'psql is not installed';

function psql(...commands: string[]): string {
  const flags = ['-X', '-v', 'ON_ERROR_STOP=1', engine.url.replace('postgres:', 'postgresql:')];
  const run = spawnSync('psql', [...flags, ...commands.flatMap((command) => ['-c', command])], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(run.stderr.replaceAll(/^NOTICE.*\n/gm, '')).toBe('');
  return run.stdout;
}

test.skipIf(missing('psql', noPsql))(
  `psql works unchanged${noPsql ? ` (skipped: ${noPsql})` : ''}`,
  async () => {
    psql(
      'CREATE TABLE shell (a int PRIMARY KEY, b text)',
      'CREATE MATERIALIZED VIEW shell_n AS SELECT count(*) AS count FROM shell',
      "INSERT INTO shell VALUES (1, 'x')",
    );
    expect(psql('\\d shell')).toMatch(/a +\| integer +\| +\| not null/);
    expect(psql('\\dt')).toMatch(/public \| shell +\| table/);
    expect(psql('\\dv')).toMatch(/public \| shell_n/);
    expect(psql('\\d')).not.toMatch(/viewcast|ivm/);
    expect(psql('SHOW VIEWS')).toContain('shell_n');
    expect(psql('BEGIN; DECLARE c CURSOR FOR SUBSCRIBE shell_n; FETCH ALL c; COMMIT')).toMatch(
      /\| +1 \| +1\n/,
    );
    const at = await captured('shell_n', async () => psql('INSERT INTO shell VALUES (2)'));
    expect(psql(`COPY (TAIL shell_n AS OF ${at} UP TO ${at + 1}) TO STDOUT`)).toBe(`${at}\t1\t2\n`);
  },
);

const python = process.env.VIEWCAST_PYTHON ?? 'python3';
const noPsycopg =
  spawnSync(python, ['-c', 'import psycopg']).status === 0
    ? null
    : `${python} has no psycopg; VIEWCAST_PYTHON can name another`;

const SCRIPT = `
import os, psycopg
with psycopg.connect(os.environ["URL"]) as c:
    c.execute("CREATE TABLE snake (a int, b text)")
    with c.cursor().copy("COPY snake FROM STDIN") as copy:
        for i in range(5): copy.write_row((i, "x\\t%d" % i))
with psycopg.connect(os.environ["URL"]) as c:
    with c.cursor(name="named") as cursor:
        cursor.execute("SELECT a FROM snake WHERE a > %s ORDER BY a", (2,))
        print([row[0] for row in cursor])
with psycopg.connect(os.environ["URL"], autocommit=True) as c:
    for row in c.cursor().stream("SUBSCRIBE (SELECT * FROM snake WHERE a = %s) WITH (PROGRESS)", (4,)):
        if not row[1]:
            print(row[2:])
            break
with psycopg.connect(os.environ["URL"]) as c:
    c.execute("DECLARE c CURSOR FOR TAIL snake")
    print(len(c.execute("FETCH ALL c WITH (timeout='2s')").fetchall()))
`;

test.skipIf(missing('psycopg', noPsycopg))(
  `psycopg works unchanged${noPsycopg ? ` (skipped: ${noPsycopg})` : ''}`,
  () => {
    const run = spawnSync(python, ['-c', SCRIPT], {
      encoding: 'utf8',
      timeout: 40_000,
      env: { ...process.env, URL: engine.url },
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe("[3, 4]\n(1, 4, 'x\\t4')\n5\n");
  },
);

const recordings = process.env.VIEWCAST_DATA ?? '../shared/data';
const recorded = join(recordings, 'tail-v0.26.1/04-copy-tail.jsonl.gz');
const noRecording = existsSync(recorded)
  ? null
  : `no recordings in ${recordings}; see VIEWCAST_DATA`;

interface Recorded {
  readonly conn?: string;
  readonly dir?: string;
  readonly type?: string;
  readonly sql?: string;
  readonly text?: string;
  readonly note?: string;
}

/** Each of the writer's statements, with the lines that COPY (TAIL v4) gave because of it. */
function readRecording(): { sql: string; lines: string[] }[] {
  const messages = gunzipSync(readFileSync(recorded)).toString().trim().split('\n');
  const steps: { sql: string; lines: string[] }[] = [];
  let notes = 0;
  for (const line of messages) {
    const message: Recorded = JSON.parse(line);
    if (message.note !== undefined && ++notes > 1) break;
    if (message.conn === 'writer' && message.dir === '>' && message.sql !== undefined) {
      steps.push({ sql: message.sql, lines: [] });
    }
    if (message.type === 'CopyData') steps.at(-1)?.lines.push(withoutTime(message.text ?? ''));
  }
  return steps;
}

/** Materialize writes jsonb without spaces. */
function withoutTime(line: string): string {
  return line.replace(/^\d+\t/, '').replaceAll('": ', '":');
}

const isRequired = process.env.VIEWCAST_DATA !== undefined;
test.skipIf(isRequired ? missing('recordings', noRecording) : noRecording !== null)(
  `COPY (TAIL …) writes what Materialize wrote${noRecording ? ` (skipped: ${noRecording})` : ''}`,
  async () => {
    const writer = await connect();
    const steps = readRecording();
    expect(steps.length).toBeGreaterThan(7);
    const started = steps.findIndex((step) => step.lines.length > 0);
    for (const step of steps.slice(0, started + 1)) await writer.query(step.sql);
    const lines: string[] = [];
    const copying = await copyOut('COPY (TAIL v4) TO STDOUT', (line) =>
      lines.push(withoutTime(line)),
    );
    for (const [index, step] of steps.slice(started).entries()) {
      if (index > 0) await writer.query(step.sql);
      const wanted = step.lines.toSorted();
      await expect.poll(() => lines.toSorted(), eventually).toEqual(wanted);
      lines.length = 0;
    }
    copying.connection.stream.destroy();
  },
);

/** Reads a COPY to the client with pg's bare connection. */
async function copyOut(sql: string, onLine: (line: string) => void) {
  const client = await connect();
  const { connection } = client as unknown as {
    connection: {
      stream: { destroy(): void };
      on(event: string, listener: (message: { chunk: Buffer }) => void): void;
      query(text: string): void;
    };
  };
  connection.on('copyData', ({ chunk }) => onLine(chunk.toString()));
  connection.query(sql);
  return { connection };
}
