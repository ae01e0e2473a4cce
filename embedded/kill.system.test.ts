import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { runs } from '../tests/runs.ts';

/**
 * The engine is killed while sessions insert. Whatever it had acknowledged must be there when it
 * comes back, nothing twice, and the views must agree with the rows.
 */

const ROUNDS = Math.min(runs(10), 40);
const SESSIONS = 4;
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

const folder = mkdtempSync(join(tmpdir(), 'viewcast-kill-'));
let child: ChildProcess | undefined;
afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function startEngine(): Promise<number> {
  child = fork(join(import.meta.dirname, 'main.ts'), {
    env: { ...process.env, VIEWCAST_STORE: folder, VIEWCAST_SQL_PORT: '0', VIEWCAST_LOG: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit').then(() => {
    throw new Error('the engine ended before it was ready');
  });
  for (;;) {
    const [message]: unknown[] = await Promise.race([once(child, 'message'), exit]);
    if (isReady(message)) {
      exit.catch(() => {});
      return message.port;
    }
  }
}

async function killEngine(): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function isReady(message: unknown): message is { readonly port: number } {
  return typeof message === 'object' && message !== null && 'port' in message;
}

async function connect(port: number): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'materialize',
    database: 'materialize',
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function query(client: pg.Client, sql: string): Promise<readonly unknown[][]> {
  const result = await client.query({ text: sql, rowMode: 'array' });
  return result.rows;
}

/** Inserts until the connection breaks; every third time two rows in one transaction. */
async function insertUntilKilled(
  client: pg.Client,
  next: () => number,
  acknowledged: Set<number>,
): Promise<void> {
  try {
    for (;;) {
      const numbers = next() % 3 === 0 ? [next(), next()] : [next()];
      if (numbers.length > 1) await client.query('BEGIN');
      for (const n of numbers)
        await client.query('INSERT INTO t VALUES ($1, $2)', [n, `u${n % 7}`]);
      if (numbers.length > 1) await client.query('COMMIT');
      for (const n of numbers) acknowledged.add(n);
    }
  } catch {
    // The engine was killed: what it had not acknowledged may be there or not.
  }
}

test(`nothing committed is lost and nothing is doubled by kill -9 (SEED=${SEED})`, async () => {
  let random = SEED;
  let last = 0;
  const next = (): number => ++last;
  const acknowledged = new Set<number>();
  let port = await startEngine();
  const setup = await connect(port);
  await query(setup, 'CREATE TABLE t (n integer, "user" text)');
  await query(setup, 'CREATE MATERIALIZED VIEW counter AS SELECT count(*) AS count FROM t');
  await query(
    setup,
    'CREATE MATERIALIZED VIEW users AS SELECT "user", count(*) AS count FROM t GROUP BY "user"',
  );
  await query(
    setup,
    'CREATE MATERIALIZED VIEW least AS SELECT "user", min(n) AS n FROM t GROUP BY "user"',
  );
  await setup.end();
  for (let round = 0; round < ROUNDS; round++) {
    random = (random * 1_103_515_245 + 12_345) & 0x7fffffff;
    const before = acknowledged.size;
    const clients = await Promise.all(Array.from({ length: SESSIONS }, () => connect(port)));
    const inserting = clients.map((client) => insertUntilKilled(client, next, acknowledged));
    while (acknowledged.size < before + 20 + (random % 400)) await setTimeout(1);
    await killEngine();
    await Promise.all(inserting);
    port = await startEngine();
    await checkRows(port, acknowledged);
  }
}, 300_000);

test('a store whose views were being read comes back to writes, whatever keeps the views', async () => {
  await killEngine();
  let client = await connect(await startEngine());
  await query(client, 'CREATE TABLE l (a integer, b text)');
  await query(client, 'CREATE TABLE r (a integer, c text)');
  const views = {
    joined: 'SELECT l.a, l.b, r.c FROM l JOIN r ON l.a = r.a',
    counted: 'SELECT b, count(*) AS n FROM l GROUP BY b',
    ranked: 'SELECT b, n FROM counted ORDER BY n DESC, b LIMIT 1',
    plain: 'SELECT b FROM l',
  };
  for (const [name, sql] of Object.entries(views)) {
    await query(client, `CREATE MATERIALIZED VIEW ${name} AS ${sql}`);
  }
  for (const name of Object.keys(views)) {
    await query(client, 'BEGIN');
    await query(client, `DECLARE c CURSOR FOR SUBSCRIBE ${name} WITH (PROGRESS)`);
    await query(client, 'FETCH 1 c');
    await query(client, 'COMMIT');
  }
  await query(client, "INSERT INTO r VALUES (1, 'c')");
  await query(client, "INSERT INTO l VALUES (1, 'x')");
  await killEngine();
  client = await connect(await startEngine());
  await query(client, "INSERT INTO l VALUES (1, 'y')");
  await query(client, "DELETE FROM l WHERE b = 'x'");
  for (const name of Object.keys(views)) {
    expect(await query(client, `SELECT * FROM ${name}`), name).toHaveLength(1);
  }
  await client.end();
}, 60_000);

async function checkRows(port: number, acknowledged: ReadonlySet<number>): Promise<void> {
  const client = await connect(port);
  const rows = await query(client, 'SELECT n FROM t');
  const numbers = new Set(rows.map(([n]) => Number(n)));
  expect(numbers.size, 'nothing is doubled').toBe(rows.length);
  expect(
    [...acknowledged].filter((n) => !numbers.has(n)),
    'nothing is lost',
  ).toEqual([]);
  expect(await query(client, 'SELECT count FROM counter')).toEqual([[String(rows.length)]]);
  for (const [view, sql] of [
    ['users', 'SELECT "user", count(*) FROM t GROUP BY "user"'],
    ['least', 'SELECT "user", min(n) FROM t GROUP BY "user"'],
  ] as const) {
    const fresh = await query(client, `${sql} ORDER BY 1`);
    expect(await query(client, `SELECT * FROM ${view} ORDER BY 1`), view).toEqual(fresh);
  }
  await client.end();
}
