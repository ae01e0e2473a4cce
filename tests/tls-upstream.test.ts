import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { EngineProcess } from '../server/upstream/engine-process.ts';
import { Upstream } from '../server/upstream/upstream.ts';
import { ServerProcess } from './server-process.ts';
import { type Certified, TlsDoor } from './tls-door.ts';
import { root } from './viewcast.ts';

const PASSWORD = 'hunter2 @/:%';
const folder = mkdtempSync(join(tmpdir(), 'viewcast-tls-'));
let engine: EngineProcess;
let door: TlsDoor;

/** Makes a certificate and leaves it in a file. */
async function certify(name: string, address: string): Promise<Certified & { file: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: address }] },
    ],
  });
  const file = join(folder, `${name}.pem`);
  writeFileSync(file, cert);
  return { key, cert, file };
}

let ours: Awaited<ReturnType<typeof certify>>;
let others: Awaited<ReturnType<typeof certify>>;

beforeAll(async () => {
  engine = await EngineProcess.start();
  ours = await certify('ours', '127.0.0.1');
  others = await certify('others', '127.0.0.1');
  door = await TlsDoor.open(new URL(engine.url), ours, PASSWORD);
});

afterAll(async () => {
  await engine?.stop();
  await door?.close();
  rmSync(folder, { recursive: true, force: true });
});

function url(query: string, password = PASSWORD): string {
  const user = password === '' ? 'materialize' : `materialize:${encodeURIComponent(password)}`;
  return `postgres://${user}@127.0.0.1:${door.port}/materialize?${query}`;
}

const check = (address: string) => new Upstream({ url: address, report: () => {} }).check();

test.each(['verify-full', 'require', 'verify-ca', 'no-verify'])(
  'over TLS with a password, by sslmode=%s',
  async (mode) => {
    const ca = mode === 'no-verify' ? '' : `&sslrootcert=${ours.file}`;
    expect(await check(url(`sslmode=${mode}${ca}`))).toBe('subscribe');
  },
);

test('the password may come by PGPASSWORD', async () => {
  vi.stubEnv('PGPASSWORD', PASSWORD);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  expect(await check(url('sslmode=no-verify', ''))).toBe('subscribe');
});

test('the server serves what stands behind TLS and a password', async () => {
  await engine.sql(
    'CREATE TABLE edits (id bigint)',
    'CREATE MATERIALIZED VIEW counter AS SELECT count(*) AS count FROM edits',
  );
  const server = await ServerProcess.start(url(`sslmode=verify-full&sslrootcert=${ours.file}`));
  onTestFinished(() => server.stop());
  const response = await fetch(`${server.http}/api/views/counter`);
  expect(await response.json()).toMatchObject({ rows: [[0]] });
});

test.each([
  ['a wrong password', () => url('sslmode=no-verify', 'hunter1'), 'check the user and password'],
  ['no password', () => url('sslmode=no-verify', ''), 'check the user and password'],
  ['no TLS', () => url(''), 'add ?sslmode=verify-full'],
  ['the wrong authority', () => url(`sslmode=require&sslrootcert=${others.file}`), 'sslrootcert='],
  ['an unknown authority', () => url('sslmode=verify-full'), 'not signed by a known authority'],
  [
    'a missing file',
    () => url('sslmode=require&sslrootcert=/no.pem'),
    'check the paths of sslroot',
  ],
  ['TLS that is not offered', () => `${engine.url}?sslmode=require`, 'does not offer TLS'],
])('%s is told with what to do', async (_, address, sentence) => {
  const error: unknown = await check(address()).catch((it: unknown) => it);
  expect(String(error)).toContain(sentence);
  expect(String(error)).not.toContain('hunter');
});

test('a certificate for another host is refused', async () => {
  const elsewhere = await certify('elsewhere', '10.0.0.1');
  const other = await TlsDoor.open(new URL(engine.url), elsewhere, PASSWORD);
  onTestFinished(() => other.close());
  const address = url(`sslmode=verify-full&sslrootcert=${elsewhere.file}`);
  await expect(check(address.replace(`:${door.port}/`, `:${other.port}/`))).rejects.toThrow(
    'for another host name',
  );
});

test('the server says what is wrong and never the password', async () => {
  const child = spawn(process.execPath, ['server/main.ts', '--views', '*', '--port', '0'], {
    cwd: root,
    env: {
      ...process.env,
      VIEWCAST_UPSTREAM: url('sslmode=no-verify', 'hunter1 wrong'),
      VIEWCAST_LOG: 'trace',
    },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  await new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes) => {
        output += bytes;
        // Both the first look and the views themselves have been refused.
        if (output.split('check the user and password').length > 3) resolve();
      });
    }
  });
  expect(output).not.toContain('hunter');
});
