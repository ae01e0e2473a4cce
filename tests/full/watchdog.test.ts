import { afterEach, expect, test } from 'vitest';
import { readWebSocket } from '../stream-log.ts';
import { fetchCount, temporaryFolder, until, Viewcast } from '../viewcast.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;

afterEach(async () => {
  await viewcast.stop();
  folder.remove();
});

test('an engine that hangs is replaced after 30 s, and viewers go on', async () => {
  viewcast = new Viewcast(['--generate', '--data', folder.path, '--port', '0', '--sql-port', '0']);
  await viewcast.ready();
  const viewer = readWebSocket(viewcast.page, 'counter');
  await until('something is counted', async () => (await fetchCount(viewcast)) > 0);
  const { engine } = viewcast.parts();
  if (engine === undefined) throw new Error('expected an engine');
  process.kill(engine, 'SIGSTOP');
  await until(
    'another engine runs',
    () => {
      const now = viewcast.parts().engine;
      return now !== undefined && now !== engine;
    },
    60_000,
  );
  expect(viewcast.output).toContain('engine: gave no sign of life for 30 s; starting it again');
  const before = viewer.messages.length;
  await until(
    'the viewer goes on, on the same connection',
    () => viewer.messages.length > before + 3,
  );
  viewer.close();
});
