import { afterEach, expect, test } from 'vitest';
import { connect } from '../../client/client.ts';
import { readWebSocket } from '../stream-log.ts';
import { fetchCount, temporaryFolder, until, Viewcast } from '../viewcast.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;

afterEach(async () => {
  await viewcast.stop();
  folder.remove();
});

/** Stops a part as a debugger would, and waits until another one has taken its place. */
async function hang(part: 'engine' | 'server'): Promise<void> {
  const before = viewcast.parts()[part];
  if (before === undefined) throw new Error(`expected a running ${part}`);
  process.kill(before, 'SIGSTOP');
  await until(
    `another ${part} runs`,
    () => {
      const now = viewcast.parts()[part];
      return now !== undefined && now !== before;
    },
    60_000,
  );
  expect(viewcast.output).toContain(`${part}: gave no sign of life for 30 s; starting it again`);
}

test('an engine that hangs is replaced after 30 s, and viewers go on', async () => {
  viewcast = new Viewcast(['--generate', '--data', folder.path, '--port', '0', '--sql-port', '0']);
  await viewcast.ready();
  const viewer = readWebSocket(viewcast.page, 'counter');
  await until('something is counted', async () => (await fetchCount(viewcast)) > 0);
  await hang('engine');
  const before = viewer.messages.length;
  await until(
    'the viewer goes on, on the same connection',
    () => viewer.messages.length > before + 3,
  );
  viewer.close();
});

test('a server that hangs is replaced after 30 s, and its viewers come back', async () => {
  viewcast = new Viewcast([
    ...['--generate', '--data', folder.path, '--port', '0', '--sql-port', '0'],
    ...['--workers', '2'],
  ]);
  await viewcast.ready();
  const client = connect(viewcast.page.replace('http', 'ws'));
  let batches = 0;
  client.subscribe(['counter'], {
    onBatch: () => {
      batches += 1;
    },
  });
  await until('batches come', () => batches > 3);
  await hang('server');
  const before = batches;
  await until('they come again', () => batches > before + 3);
  client.close();
});
