import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWebSocket } from './stream-log.ts';
import { fetchRows, root, temporaryFolder, until, Viewcast } from './viewcast.ts';

const folder = temporaryFolder();
const views = join(folder.path, 'sql', 'views');
let viewcast: Viewcast;

beforeAll(async () => {
  cpSync(join(root, 'sql'), join(folder.path, 'sql'), { recursive: true });
  viewcast = new Viewcast([
    ...['--data', join(folder.path, 'data'), '--sql', join(folder.path, 'sql')],
    ...['--generate', '200', '--port', '0', '--sql-port', '0'],
  ]);
  await viewcast.ready();
});
afterAll(async () => {
  await viewcast.stop();
  folder.remove();
});

/** In one step, as an editor saves. */
function write(name: string, sql: string): void {
  writeFileSync(join(folder.path, name), sql);
  renameSync(join(folder.path, name), join(views, name));
}

async function status(view: string): Promise<number> {
  return (await fetch(`${viewcast.page}/api/views/${view}`)).status;
}

test('a view written into sql/ is live on every interface, changes, and goes', async () => {
  expect(await status('bots')).toBe(404);
  write(
    'mine.sql',
    'CREATE MATERIALIZED VIEW bots AS SELECT count(*) AS n FROM recentchange WHERE bot;',
  );
  await until('it counts', async () => Number((await fetchRows(viewcast, 'bots'))[0]?.[0]) > 0);
  const viewer = readWebSocket(viewcast.page, 'bots');
  await until('it is streamed', () => viewer.messages.length > 2);
  viewer.close();
  const catalogue = await (await fetch(`${viewcast.page}/api/views`)).text();
  expect(catalogue).toContain('CREATE MATERIALIZED VIEW bots AS SELECT count(*) AS n');
  await until('it was told', () => viewcast.output.includes('sql/: bots is new'));

  write('mine.sql', "CREATE MATERIALIZED VIEW bots AS SELECT 'changed' AS n;");
  await until(
    'it has changed',
    async () => (await fetchRows(viewcast, 'bots'))[0]?.[0] === 'changed',
  );

  rmSync(join(views, 'mine.sql'));
  await until('it is gone', async () => (await status('bots')) === 404);
  expect(await status('top10')).toBe(200);
});

test('a mistake is told with file and line, and what was there stays', async () => {
  write(
    'wrong.sql',
    '-- a mistake\n\nCREATE MATERIALIZED VIEW wrong AS\nSELECT nothing FROM recentchange;',
  );
  await until('it is told', () =>
    /sql\/views\/wrong\.sql:4: wrong: .*nothing/.test(viewcast.output),
  );
  expect(await status('wrong')).toBe(404);
  write('wrong.sql', 'CREATE MATERIALIZED VIEW wrong AS SELECT count(*) FROM recentchange;');
  await until('it is right now', async () => (await status('wrong')) === 200);
  write('wrong.sql', 'CREATE MATERIALIZED VIEW wrong AS SELECT cont(*) FROM recentchange;');
  await until('it is told again', () => /wrong\.sql:1: wrong: .*cont/.test(viewcast.output));
  expect(await status('wrong')).toBe(200);
});
