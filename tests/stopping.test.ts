import { afterEach, expect, test } from 'vitest';
import { isRunning, temporaryFolder, until, Viewcast } from './viewcast.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;

afterEach(async () => {
  await viewcast.stop();
  folder.remove();
});

/** What people are promised, with room for a machine under load. */
const PROMISED_MS = 5_000;

async function startAll(): Promise<readonly number[]> {
  viewcast = new Viewcast(['--data', folder.path, '--generate', '--port', '0', '--sql-port', '0']);
  await viewcast.ready();
  const parts = await until('three parts run', () => {
    const found = Object.values(viewcast.parts());
    return found.length === 3 && found;
  });
  return [viewcast.pid, ...parts];
}

test.each([
  ['Ctrl-C, which goes to all processes', 'SIGINT', 'group', 0],
  ['SIGINT to npm alone', 'SIGINT', 'supervisor', 0],
  ['SIGTERM', 'SIGTERM', 'supervisor', 0],
  ['kill -9 of the supervisor', 'SIGKILL', 'supervisor', null],
] as const)('%s leaves no process', async (_, signal, to, code) => {
  const processes = await startAll();
  viewcast.signal(signal, to);
  expect((await viewcast.ended).code).toBe(code);
  await until('all are gone', () => !processes.some(isRunning), PROMISED_MS);
});

test('Ctrl-C while it starts leaves no process either', async () => {
  viewcast = new Viewcast(['--data', folder.path, '--generate', '--port', '0', '--sql-port', '0']);
  const { engine = 0 } = await until('the engine starts', () => {
    const parts = viewcast.parts();
    return parts.engine !== undefined && parts;
  });
  viewcast.signal('SIGINT', 'group');
  expect((await viewcast.ended).code).toBe(0);
  expect(isRunning(engine)).toBe(false);
});
