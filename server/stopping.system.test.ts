import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sign } from './auth/token-fixture.ts';
import { SessionClient } from './session-client.ts';
import { until } from './stream-client.ts';

const main = join(import.meta.dirname, 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'viewcast-stopping-'));
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Nobody answers there: the server listens and waits for its views. */
const base = {
  VIEWCAST_PORT: '0',
  VIEWCAST_LOG: 'silent',
  VIEWCAST_UPSTREAM: 'postgres://materialize@127.0.0.1:9/materialize',
  VIEWCAST_VIEWS: '*',
};

async function start(env: Readonly<Record<string, string>>) {
  const child = fork(main, [], {
    env: { ...process.env, ...base, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  started.push(child);
  const port = await new Promise<number>((resolve, reject) => {
    child.on('message', (message: { type: string; port: number }) => {
      if (message.type === 'ready') resolve(message.port);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, port, ended };
}

/** Runs the server until it ends by itself. */
async function run(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...base, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  let says = '';
  child.stderr.on('data', (part) => {
    says += part;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, says };
}

const tenMinutes = '600000';

test('F9: SIGTERM sends the viewers away, and the process ends with 0', async () => {
  const { child, port, ended } = await start({ VIEWCAST_DRAIN_MS: '500' });
  const viewers = Array.from({ length: 10 }, () => new SessionClient(`ws://127.0.0.1:${port}`));
  await until('all are greeted', () => viewers.every(({ heard }) => heard.length === 1));
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await until('all know', () => viewers.every(({ closed }) => closed !== null));
  expect(new Set(viewers.map(({ closed }) => closed?.code))).toEqual(new Set([4001]));
});

test('without viewers SIGTERM ends at once, with them SIGINT does', async () => {
  const alone = await start({ VIEWCAST_DRAIN_MS: tenMinutes });
  alone.child.kill('SIGTERM');
  expect(await alone.ended).toBe(0);
  const watched = await start({ VIEWCAST_DRAIN_MS: tenMinutes });
  const viewer = new SessionClient(`ws://127.0.0.1:${watched.port}`);
  await until('the greeting', () => viewer.heard.length === 1);
  watched.child.kill('SIGTERM');
  watched.child.kill('SIGINT');
  expect(await watched.ended).toBe(0);
});

test('a secret turns tokens on', async () => {
  const secret = 'a secret of more than thirty-two bytes';
  const { child, port, ended } = await start({ VIEWCAST_AUTH_SECRET: secret });
  const ask = async (headers: Readonly<Record<string, string>>) =>
    (await fetch(`http://127.0.0.1:${port}/api/views`, { headers })).status;
  const token = await sign({ viewcast: { views: '*' } }, Buffer.from(secret), { alg: 'HS256' });
  expect(await ask({})).toBe(401);
  // Let in, and told that there is no database to know the views from.
  expect(await ask({ Authorization: `Bearer ${token}` })).toBe(503);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('settings of tokens that cannot be are told, all at once and without the secret', async () => {
  const wrong = await run({
    VIEWCAST_AUTH_SECRET: 'confidential',
    VIEWCAST_AUTH_JWKS: 'ftp://example.org',
    VIEWCAST_AUTH_QUERY_SECONDS: 'soon',
    VIEWCAST_DRAIN_MS: '-1',
  });
  expect(wrong.code).toBe(2);
  for (const name of ['AUTH_SECRET and', 'AUTH_JWKS must', 'QUERY_SECONDS must', 'DRAIN_MS must']) {
    expect(wrong.says).toContain(name);
  }
  expect(wrong.says).not.toContain('confidential');
  const short = await run({ VIEWCAST_AUTH_SECRET: 'confidential' });
  expect(short.code).toBe(1);
  expect(short.says).toContain('expected a secret of at least 32 bytes, got 12');
  expect(short.says).not.toContain('confidential');
});

test('a key file that cannot be read or used is told by its name', async () => {
  const missing = await run({ VIEWCAST_AUTH_KEY: join(folder, 'missing.pem') });
  expect([missing.code, missing.says.includes('missing.pem')]).toEqual([1, true]);
  const file = join(folder, 'key.pem');
  writeFileSync(file, 'hello');
  const broken = await run({ VIEWCAST_AUTH_KEY: file });
  expect(broken.code).toBe(1);
  expect(broken.says).toContain('key.pem: expected a public key in PEM, or a JWK');
});
