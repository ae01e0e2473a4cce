import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Client, connect } from '../../client/client.ts';
import { Connection } from '../../conformance/connection.ts';
import type { Holding, Track } from '../../conformance/track.ts';
import { EngineProcess } from '../../embedded/engine-process.ts';
import { runs } from '../runs.ts';
import { ServerProcess } from '../server-process.ts';
import { root, until } from '../viewcast.ts';

const PATIENCE_MS = 45_000;
const ACCOUNTS = 50;
const WIDE_ROWS = runs(10_000);

let engine: EngineProcess;
let server: ServerProcess;
let database: pg.Client;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  engine = await EngineProcess.start();
  database = new pg.Client({ connectionString: engine.url });
  await database.connect();
  const statements = [
    'CREATE TABLE account (id bigint, side text, amount bigint)',
    `INSERT INTO account SELECT n, 'left', 100 FROM generate_series(1, ${ACCOUNTS}) AS n`,
    `INSERT INTO account SELECT n, 'right', 100 FROM generate_series(1, ${ACCOUNTS}) AS n`,
    "CREATE MATERIALIZED VIEW on_left AS SELECT sum(amount) AS total FROM account WHERE side = 'left'",
    "CREATE MATERIALIZED VIEW on_right AS SELECT sum(amount) AS total FROM account WHERE side = 'right'",
    'CREATE TABLE many (id bigint, value bigint)',
    `INSERT INTO many SELECT n, 0 FROM generate_series(1, ${WIDE_ROWS}) AS n`,
    'CREATE INDEX many_id ON many (id)',
    'CREATE MATERIALIZED VIEW all_many AS SELECT id, value FROM many',
  ];
  for (const statement of statements) await database.query(statement);
  server = await ServerProcess.start(engine.url);
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await database?.end();
  await engine?.stop();
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(at: ServerProcess | number = server): Promise<Connection> {
  const port = typeof at === 'number' ? at : at.port;
  const url = `ws://127.0.0.1:${port}/api/v1`;
  const connection = await Connection.open(url, { patienceMs: PATIENCE_MS });
  closers.push(() => connection.close());
  return connection;
}

const read = async (view: string, at?: ServerProcess | number) => {
  const connection = await open(at);
  return { connection, track: await connection.subscribe({ views: [{ view }] }) };
};

async function comeBack(view: string, held: Holding, to: ServerProcess): Promise<Track> {
  const connection = await open(to);
  const from = { epoch: held.epoch, timestamp: held.frontier };
  const track = await connection.subscribe({ views: [{ view }], from }, held);
  await connection.until('the proof that the rows are right', () => track.proofs > 0);
  return track;
}

let transfers = 0;
/** Moves some of an account from one side to the other, in one transaction. */
async function transfer(): Promise<void> {
  transfers += 1;
  const id = 1 + (transfers % ACCOUNTS);
  await database.query('BEGIN');
  await database.query(`UPDATE account SET amount = amount - 1 WHERE id = ${id} AND side = 'left'`);
  await database.query(
    `UPDATE account SET amount = amount + 1 WHERE id = ${id} AND side = 'right'`,
  );
  await database.query('COMMIT');
}

test('F20: a viewer never sees one view of a transaction without the other', async () => {
  type Views = { readonly on_left: readonly [number]; readonly on_right: readonly [number] };
  const client: Client<Views> = connect<Views>(server.http);
  closers.push(() => client.close());
  const seen: (readonly [left: number | undefined, right: number | undefined])[] = [];
  client.subscribe(['on_left', 'on_right'], {
    onBatch: (_, held) => seen.push([held.rows('on_left')[0]?.[0], held.rows('on_right')[0]?.[0]]),
  });
  await until('the first rows', () => seen.length > 0);
  const target = (seen[0]?.[0] ?? 0) - 60;
  for (let at = 0; at < 60; at++) await transfer();
  await until('the last transfer', () => seen.at(-1)?.[0] === target);
  expect(seen.length).toBeGreaterThan(1);
  for (const [left, right] of seen) expect((left ?? 0) + (right ?? 0)).toBe(2 * ACCOUNTS * 100);
});

test('F10: when a server is killed its viewers go on at another one', async () => {
  const second = await ServerProcess.start(engine.url);
  closers.push(() => second.stop());
  const doomed = await ServerProcess.start(engine.url);
  closers.push(() => doomed.stop());
  const viewers: Awaited<ReturnType<typeof read>>[] = [];
  for (let at = 0; at < 10; at++) {
    viewers.push(await read(at % 2 === 0 ? 'on_left' : 'all_many', doomed));
  }
  const held = viewers.map(
    ({ track }) => [track.request.views[0]?.view ?? '', track.holding()] as const,
  );
  await doomed.stop('SIGKILL');
  for (const { connection } of viewers) expect((await connection.awaitEnd()).code).toBe(1006);
  await transfer();
  await database.query('UPDATE many SET value = value + 1 WHERE id <= 20');
  const back = await Promise.all(held.map(([view, holding]) => comeBack(view, holding, second)));
  for (const { request, subscribed } of back) {
    const { resumed, reason } = subscribed ?? {};
    // A single row is as short whole as its change is; of 100,000 rows only the change is sent.
    if (request.views[0]?.view === 'all_many') expect(resumed).toBe('batch');
    else expect(resumed === 'batch' || reason === 'smaller').toBe(true);
  }
});

test('F17: many join a large view while it changes, and all hold it', async () => {
  let writing = true;
  const writer = (async () => {
    for (let at = 0; writing; at++) {
      const first = 1 + ((at * 97) % (WIDE_ROWS - 100));
      await database.query(
        `UPDATE many SET value = value + 1 WHERE id BETWEEN ${first} AND ${first + 99}`,
      );
    }
  })();
  try {
    const viewers = await Promise.all(Array.from({ length: 6 }, () => read('all_many')));
    for (const { track } of viewers) expect(track.rows('all_many').size).toBe(WIDE_ROWS);
    writing = false;
    await writer;
    for (const { connection, track } of viewers) {
      const { proofs } = track;
      const proved = () => track.proofs > proofs;
      const end = Date.now() + PATIENCE_MS;
      while (!proved() && Date.now() < end) {
        connection.say({ type: 'ack', channel: track.channel ?? -1, upper: track.frontier ?? 0 });
        await connection.listen(200, proved);
      }
      expect(proved()).toBe(true);
    }
    const [first, ...others] = viewers.map(({ track }) => track.rows('all_many'));
    for (const rows of others) expect(rows.size).toBe(first?.size);
    const { rows } = await database.query('SELECT sum(value) AS sum FROM many');
    const sum = [...(first?.keys() ?? [])].reduce((total, text) => total + JSON.parse(text)[1], 0);
    expect(sum).toBe(Number(rows[0]?.sum));
  } finally {
    writing = false;
    await writer;
  }
});

test('F25: a server whose event loop stands still for 3 s loses nobody', async () => {
  const viewers = await Promise.all(Array.from({ length: 10 }, () => read('on_left')));
  process.kill(server.pid, 'SIGSTOP');
  try {
    await transfer();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await transfer();
  const { rows } = await database.query('SELECT total FROM on_left');
  const wanted = `[${rows[0]?.total}]`;
  for (const { connection, track } of viewers) {
    await connection.until('the change', () => track.rows('on_left').has(wanted));
    expect(connection.ended).toBeNull();
  }
});

/** A server started by hand: with a shell's limits, or with standard error where it belongs not. */
async function startServer(
  error: 'inherit' | 'pipe' | number,
  limit = '',
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const script = join(root, 'server/main.ts');
  const child = spawn('sh', ['-c', `${limit} exec "$0" "$1"`, process.execPath, script], {
    env: {
      ...process.env,
      VIEWCAST_PORT: '0',
      VIEWCAST_UPSTREAM: engine.url,
      VIEWCAST_VIEWS: 'on_left,on_right',
      VIEWCAST_LOG: 'trace',
    },
    stdio: ['ignore', 'ignore', error, 'ipc'],
  });
  closers.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.on('message', (message: { port?: unknown }) => {
      if (typeof message.port === 'number') resolve(message.port);
    });
  });
  await until('it has the rows', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  return { child, port };
}

test('F26: a server without file descriptors serves those it has, and new ones when there are some', async () => {
  const { child, port } = await startServer('inherit', 'ulimit -n 64;');
  const { connection, track } = await read('on_left', port);
  const crowd: Socket[] = [];
  for (let at = 0; at < 120; at++) {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    crowd.push(socket);
  }
  closers.push(() => crowd.forEach((socket) => void socket.destroy()));
  for (let at = 0; at < 3; at++) {
    const { batches } = track;
    await transfer();
    await connection.until('the change', () => track.batches > batches);
  }
  expect(child.exitCode).toBeNull();
  for (const socket of crowd) socket.destroy();
  await until('new ones are let in', () =>
    read('on_right', port).then(
      () => true,
      () => false,
    ),
  );
});

const noFullDisk = !existsSync('/dev/full') && process.env.REQUIRE_ALL !== '1';

test.skipIf(noFullDisk).each([
  ['a log whose reader is gone', 'pipe'],
  ['a log on a full disk', 'full'],
] as const)('F26: %s stops nobody (needs /dev/full)', async (_, kind) => {
  const full = kind === 'full' ? openSync('/dev/full', 'w') : null;
  const { child, port } = await startServer(full ?? 'pipe');
  if (full !== null) closeSync(full);
  child.stderr?.destroy();
  const { connection, track } = await read('on_left', port);
  for (let at = 0; at < 3; at++) {
    const { batches } = track;
    // Unknown views, refused upgrades and cut connections are what a server logs about.
    await fetch(`http://127.0.0.1:${port}/api/views/nothing`);
    await transfer();
    await connection.until('the change', () => track.batches > batches);
  }
  expect(child.exitCode).toBeNull();
});
