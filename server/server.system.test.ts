import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fold, until, viewWebSocket } from './stream-client.ts';

const root = join(import.meta.dirname, '..');
const store = mkdtempSync(join(tmpdir(), 'viewcast-server-'));
const started: ChildProcess[] = [];
let engine: ChildProcess;
let server: ChildProcess;
let sqlPort = 0;
let port = 0;

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version']);
    return true;
  } catch {
    return false;
  }
}
const noCurl = !hasCurl() && process.env.REQUIRE_ALL !== '1';

/** Forks a part as the supervisor does, and waits for its `ready`. */
async function start(
  part: string,
  env: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(join(root, part), [], {
    env: { ...process.env, VIEWCAST_LOG: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  started.push(child);
  const ready = await new Promise<{ port: number }>((resolve, reject) => {
    child.on('message', (message: { type: string; port: number }) => {
      if (message.type === 'ready') resolve(message);
    });
    child.once('exit', (code) => reject(new Error(`${part} ended with ${code}`)));
  });
  return { child, port: ready.port };
}

const startEngine = () =>
  start('embedded/main.ts', { VIEWCAST_SQL_PORT: String(sqlPort), VIEWCAST_STORE: store });

async function sql(...statements: readonly string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({
    connectionString: `postgres://materialize@127.0.0.1:${sqlPort}/materialize`,
  });
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('exit', (code) => resolve(code));
  });

/** Runs the server alone until it ends by itself. */
async function run(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; says: string }> {
  const child = spawn(process.execPath, [join(root, 'server/main.ts')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  let says = '';
  child.stderr.on('data', (part) => {
    says += part;
  });
  return { code: await ended(child), says };
}

beforeAll(async () => {
  const first = await startEngine();
  engine = first.child;
  sqlPort = first.port;
  await sql(
    'CREATE TABLE edit (who text, size bigint)',
    'CREATE MATERIALIZED VIEW edits AS SELECT count(*) AS count FROM edit',
    'CREATE MATERIALIZED VIEW best AS SELECT who, sum(size) AS size FROM edit WHERE who IS NOT NULL GROUP BY who',
  );
  const second = await start('server/main.ts', {
    VIEWCAST_PORT: '0',
    VIEWCAST_UPSTREAM: `postgres://materialize@127.0.0.1:${sqlPort}/materialize`,
    VIEWCAST_VIEWS: '*',
  });
  server = second.child;
  port = second.port;
});

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await Promise.all(started.map(ended));
  rmSync(store, { recursive: true, force: true });
});

async function ready(): Promise<void> {
  let status = 0;
  const ask = async () => {
    status = (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  };
  const end = Date.now() + 30_000;
  for (await ask(); status !== 200; await ask()) {
    if (Date.now() > end) throw new Error('the server did not become ready in 30 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const rowsOf = async (view: string): Promise<readonly string[]> => {
  const [result] = await sql(`SELECT * FROM ${view}`);
  const rows = result?.rows ?? [];
  return rows.map((row) => JSON.stringify(Object.values(row).map(numeric))).sort();
};
const numeric = (value: unknown): unknown =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
const held = (fold: Fold): readonly string[] => [...fold.rows.keys()].sort();

test('views are found, and what viewers hold is what SELECT answers', async () => {
  await ready();
  const edits = viewWebSocket(`ws://127.0.0.1:${port}/api/stream/edits`);
  const best = viewWebSocket(`ws://127.0.0.1:${port}/api/stream/best`);
  for (let at = 0; at < 30; at++) {
    await sql(`INSERT INTO edit VALUES ('user ${at % 4}', ${at}), (NULL, 1)`);
  }
  await until('60 edits', () => held(edits.fold)[0] === '[60]');
  expect(held(edits.fold)).toEqual(await rowsOf('edits'));
  const wanted = await rowsOf('best');
  await until('the sums', () => String(held(best.fold)) === String(wanted));
  const counts = edits.fold.messages.map(({ inserted }) => Number(inserted[0]?.[0]));
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  edits.socket.terminate();
  best.socket.terminate();
});

test.skipIf(noCurl)('the documented curl line streams (needs curl)', async () => {
  await ready();
  const line = ['Sec-WebSocket-Key: +', 'Sec-WebSocket-Version: 13', 'Connection: Upgrade'];
  const headers = [...line, 'Upgrade: websocket'].flatMap((header) => ['-H', header]);
  const url = `http://localhost:${port}/api/stream/edits`;
  const curl = spawn('curl', ['--no-buffer', '--output', '-', '--silent', ...headers, url]);
  started.push(curl);
  const fold = new Fold();
  let rest = '';
  curl.stdout.on('data', (part) => {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) fold.take(text);
  });
  await until('the snapshot', () => fold.messages.length === 1);
  await sql("INSERT INTO edit VALUES ('curl', 1)");
  await until('the change', () => fold.messages.length === 2);
  expect(held(fold)).toEqual(await rowsOf('edits'));
  curl.kill();
});

test('a view made while serving is there at once, and gone with a reason when dropped', async () => {
  await ready();
  await sql('CREATE MATERIALIZED VIEW biggest AS SELECT max(size) AS size FROM edit');
  const status = async () => (await fetch(`http://127.0.0.1:${port}/api/views/biggest`)).status;
  let last = 0;
  const end = Date.now() + 15_000;
  while (last !== 200 && Date.now() < end) last = await status();
  expect(last).toBe(200);
  const { fold, closed } = viewWebSocket(`ws://127.0.0.1:${port}/api/stream/biggest`);
  await until('the snapshot', () => fold.messages.length === 1);
  await sql('DROP MATERIALIZED VIEW biggest');
  await until('the close', () => closed() !== null, 20_000);
  expect(closed()?.code).toBe(4010);
  expect(await status()).toBe(404);
});

test('viewers outlive the engine: killed and started again, they get ordinary batches', async () => {
  await ready();
  const { fold, closed, socket } = viewWebSocket(`ws://127.0.0.1:${port}/api/stream/edits`);
  await until('the snapshot', () => fold.messages.length === 1);
  engine.kill('SIGKILL');
  await ended(engine);
  engine = (await startEngine()).child;
  await sql("INSERT INTO edit VALUES ('after', 1)");
  const wanted = await rowsOf('edits');
  await until('the change', () => String(held(fold)) === String(wanted), 30_000);
  expect(closed()).toBeNull();
  expect(fold.messages.every(({ snapshot }) => snapshot === undefined)).toBe(true);
  socket.terminate();
});

test('every bad variable is named at once, with exit code 2', async () => {
  const { code, says } = await run({
    VIEWCAST_PORT: '99999',
    VIEWCAST_UPSTREAM: 'nonsense',
    VIEWCAST_ORIGINS: 'https://a.example/path',
    VIEWCAST_TRUSTED_PROXIES: '10.0.0.0/99',
    VIEWCAST_LOG: 'loud',
  });
  expect(code).toBe(2);
  for (const name of ['PORT', 'UPSTREAM', 'ORIGINS', 'TRUSTED_PROXIES', 'LOG']) {
    expect(says).toContain(`VIEWCAST_${name} must be`);
  }
});

test('a port in use ends the server with one sentence and exit code 1', async () => {
  const { code, says } = await run({ VIEWCAST_PORT: String(port), VIEWCAST_LOG: 'silent' });
  expect(code).toBe(1);
  expect(says).toContain(`cannot listen on 127.0.0.1:${port}: another program has the port`);
  expect(says.trim().split('\n')).toHaveLength(1);
});

test('the server ends at once when its parent is gone, and on SIGINT tells its viewers', async () => {
  const upstream = `postgres://materialize@127.0.0.1:${sqlPort}/materialize`;
  const env = { VIEWCAST_PORT: '0', VIEWCAST_UPSTREAM: upstream, VIEWCAST_VIEWS: '*' };
  const orphan = await start('server/main.ts', env);
  orphan.child.disconnect();
  expect(await ended(orphan.child)).toBe(0);
  const { fold, closed } = viewWebSocket(`ws://127.0.0.1:${port}/api/stream/edits`);
  await until('the snapshot', () => fold.messages.length === 1);
  server.kill('SIGINT');
  expect(await ended(server)).toBe(0);
  await until('the close', () => closed() !== null);
  expect(closed()?.code).toBe(4001);
});
