/** The server as a process with several threads, on the real engine. */
import { type ChildProcess, fork } from 'node:child_process';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sign } from './auth/token-fixture.ts';
import { SessionClient } from './session-client.ts';
import { until, viewWebSocket } from './stream-client.ts';
import { EngineProcess } from './upstream/engine-process.ts';

const started: ChildProcess[] = [];
const upstreams = new Set<Socket>();
let engine: EngineProcess;

/** Connections on which a view is read; each thread may have one more, for messages. */
const cursors = new Set<Socket>();

/** Passes on to the engine, so that connections can be counted. */
const proxy = createServer((socket) => {
  const onward = connect(Number(new URL(engine.url).port), '127.0.0.1');
  upstreams.add(socket);
  socket.on('data', (part) => {
    if (part.includes('SUBSCRIBE')) cursors.add(socket);
  });
  socket.pipe(onward).pipe(socket);
  for (const side of [socket, onward]) {
    side.on('error', () => {});
    side.on('close', () => {
      upstreams.delete(socket);
      cursors.delete(socket);
      socket.destroy();
      onward.destroy();
    });
  }
});

beforeAll(async () => {
  engine = await EngineProcess.start();
  await engine.sql(
    'CREATE TABLE t (n int)',
    'INSERT INTO t VALUES (1), (2)',
    'CREATE MATERIALIZED VIEW total AS SELECT sum(n) AS n FROM t',
    'CREATE MATERIALIZED VIEW every AS SELECT n FROM t',
  );
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
}, 60_000);

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  for (const socket of upstreams) socket.destroy();
  proxy.close();
  await engine.stop();
});

async function start(env: Readonly<Record<string, string>>) {
  const { port } = proxy.address() as AddressInfo;
  const child = fork(join(import.meta.dirname, 'main.ts'), [], {
    env: {
      ...process.env,
      VIEWCAST_PORT: '0',
      VIEWCAST_LOG: 'silent',
      VIEWCAST_WORKERS: '3',
      VIEWCAST_VIEWS: 'total,every',
      VIEWCAST_UPSTREAM: `postgres://materialize@127.0.0.1:${port}/materialize`,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  started.push(child);
  let said = '';
  child.stderr?.on('data', (part: Buffer) => {
    said += part;
    process.stderr.write(part);
  });
  const ready = await new Promise<number>((resolve, reject) => {
    child.on('message', (message: { type: string; port: number }) => {
      if (message.type === 'ready') resolve(message.port);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, port: ready, ended, said: () => said };
}

const isReady = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;

async function untilReady(port: number): Promise<void> {
  for (const end = Date.now() + 15_000; !(await isReady(port)); ) {
    expect(Date.now()).toBeLessThan(end);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('one upstream connection for each view however many threads; SIGTERM drains them all', async () => {
  const { child, port, ended } = await start({ VIEWCAST_DRAIN_MS: '500' });
  await untilReady(port);
  await until('each view is read once', () => cursors.size === 2);
  const streams = Array.from({ length: 30 }, () =>
    viewWebSocket(`ws://127.0.0.1:${port}/api/stream/total`),
  );
  const sessions = Array.from({ length: 10 }, () => {
    const views = [{ view: 'total' }, { view: 'every' }];
    return new SessionClient(`ws://127.0.0.1:${port}`, [{ type: 'subscribe', id: 's', views }]);
  });
  await until('all have rows', () => streams.every(({ fold }) => fold.messages.length > 0));
  await engine.sql('INSERT INTO t VALUES (3), (3)');
  await until('streams see the change', () => streams.every(({ fold }) => fold.rows.has('[9]')));
  await until('sessions see it, too', () =>
    sessions.every((client) => client.rows('total').join() === '[9]'),
  );
  expect(cursors.size).toBe(2);
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await until('all know', () =>
    [...streams.map(({ closed }) => closed()), ...sessions.map(({ closed }) => closed)].every(
      (closed) => closed !== null,
    ),
  );
  const codes = [...streams.map(({ closed }) => closed()), ...sessions.map(({ closed }) => closed)];
  expect(new Set(codes.map((closed) => closed?.code))).toEqual(new Set([4001]));
}, 60_000);

test('handshakes that wait for their token are completed, and nothing is said about it', async () => {
  const secret = 'a secret of more than thirty-two bytes';
  const { child, port, ended, said } = await start({ VIEWCAST_AUTH_SECRET: secret });
  await untilReady(port);
  const token = await sign({ viewcast: { views: '*' } }, Buffer.from(secret), { alg: 'HS256' });
  const headers = { authorization: `Bearer ${token}` };
  const streams = Array.from({ length: 60 }, () =>
    viewWebSocket(`ws://127.0.0.1:${port}/api/stream/every`, headers),
  );
  await until('all have rows', () => streams.every(({ fold }) => fold.messages.length > 0));
  expect(streams.filter(({ closed }) => closed() !== null)).toEqual([]);
  child.kill('SIGINT');
  expect([await ended, said()]).toEqual([0, '']);
}, 60_000);

test('SIGINT ends all threads at once, also while they drain', async () => {
  const { child, port, ended } = await start({ VIEWCAST_DRAIN_MS: '600000' });
  const viewers = Array.from({ length: 10 }, () => new SessionClient(`ws://127.0.0.1:${port}`));
  await until('all are greeted', () => viewers.every(({ heard }) => heard.length === 1));
  child.kill('SIGTERM');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
}, 60_000);

test('a port that another program has is told in a sentence, and the process ends with 1', async () => {
  const { port } = proxy.address() as AddressInfo;
  await expect(start({ VIEWCAST_PORT: String(port) })).rejects.toThrow('ended with 1');
});
