import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { fetchCount, temporaryFolder, until, Viewcast } from './viewcast.ts';

const folder = temporaryFolder();
const started: Viewcast[] = [];
let taken: Server;
let takenPort: number;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  takenPort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
});
afterAll(() => {
  taken.close();
  folder.remove();
});

function start(options: readonly string[], environment: Record<string, string> = {}): Viewcast {
  const viewcast = new Viewcast(options, environment);
  started.push(viewcast);
  return viewcast;
}

function inData(name: string): readonly string[] {
  return ['--data', join(folder.path, name), '--generate', '--port', '0', '--sql-port', '0'];
}

test('--help lists every option and ends with 0', async () => {
  const viewcast = start(['--help']);
  expect(await viewcast.ended).toEqual({ code: 0, signal: null });
  const options =
    '--port --sql-port --host --data --sql --live --replay --generate --speed --record';
  for (const option of `${options} --quiet`.split(' ')) expect(viewcast.output).toContain(option);
});

test.each([
  ['an unknown option', ['--colour'], /^viewcast: Unknown option '--colour'/, 2],
  [
    'two bad values at once',
    ['--port', 'x', '--speed', '3'],
    /(?=[\s\S]*--port is "x")[\s\S]*--speed sets/,
    2,
  ],
  ['a recording that is not there', ['--replay', '/nowhere/a.sse'], /cannot read the recording/, 1],
  [
    'a place where nothing can be recorded',
    ['--record', '/nowhere/a.sse'],
    /^viewcast: cannot record into/,
    1,
  ],
])('%s is refused in a sentence', async (_, options, sentence, code) => {
  const viewcast = start([...options, ...inData('refused').slice(0, 2)]);
  expect((await viewcast.ended).code).toBe(code);
  expect(viewcast.output).toMatch(sentence);
});

test('a data folder that cannot be written is refused', async () => {
  // Root may write anywhere, but not below a file.
  writeFileSync(join(folder.path, 'file'), '');
  const viewcast = start(inData('file/below'));
  expect((await viewcast.ended).code).toBe(1);
  expect(viewcast.output).toMatch(/^viewcast: cannot write to the data folder .*--data DIR\n$/);
});

test.skipIf(!existsSync('/proc/self'))(
  'a data folder below /proc is refused (skipped without /proc)',
  async () => {
    const viewcast = start(['--data', '/proc/viewcast/data', ...inData('none').slice(2)]);
    expect((await viewcast.ended).code).toBe(1);
    expect(viewcast.output).toMatch(/^viewcast: cannot write to the data folder .*--data DIR\n$/);
  },
);

test.each(['--port', '--sql-port'])('a %s in use is refused', async (option) => {
  const viewcast = start([...inData('ports'), option, String(takenPort)]);
  expect((await viewcast.ended).code).toBe(1);
  expect(viewcast.output).toMatch(
    new RegExp(`^viewcast: port ${takenPort} on 127.0.0.1 is in use: .*${option}`),
  );
});

test('a second instance on the same data is refused, and the first goes on', async () => {
  const first = start(inData('shared'));
  await first.ready();
  const second = start(inData('shared'));
  expect((await second.ended).code).toBe(1);
  expect(second.output).toMatch(
    new RegExp(`^viewcast: another viewcast \\(process ${first.pid}\\) uses the data folder`),
  );
  const before = await fetchCount(first);
  await until('the first counts on', async () => (await fetchCount(first)) > before);
});

test('--quiet prints nothing', async () => {
  const viewcast = start([...inData('quiet'), '--quiet']);
  await viewcast.ready();
  expect(await viewcast.stop()).toEqual({ code: 0, signal: null });
  expect(viewcast.output).toBe('');
});
