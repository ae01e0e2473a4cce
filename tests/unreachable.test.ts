import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { readWebSocket } from './stream-log.ts';
import { fetchCount, fetchRows, temporaryFolder, until, Viewcast } from './viewcast.ts';
import { type StandIn, type StandInEvent, startStandIn } from './wikimedia-stand-in.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;
let wikimedia: StandIn;

afterEach(async () => {
  await viewcast.stop();
  await wikimedia.close();
  folder.remove();
});

function inventEvents(count: number): readonly StandInEvent[] {
  return Array.from({ length: count }, (_, n) => {
    const atMs = 1_700_000_000_000 + n;
    const event = {
      $schema: '/mediawiki/recentchange/1.0.0',
      meta: { id: `stand-in-${n}`, dt: new Date(atMs).toISOString(), domain: 'stand.in' },
      type: 'edit',
      title: `Page ${n}`,
      user: `Stand-in ${n % 20}`,
      wiki: 'standwiki',
    };
    return { json: JSON.stringify(event), atMs };
  });
}

test('without Wikimedia changes are generated; when it answers, live ones take over', async () => {
  let answers = false;
  wikimedia = await startStandIn({
    events: inventEvents(5_000),
    paceMs: 20,
    behave: () => (answers ? { kind: 'stream' } : { kind: 'refuse', status: 503 }),
  });
  viewcast = new Viewcast(['--data', folder.path, '--port', '0', '--sql-port', '0'], {
    VIEWCAST_STREAM_URL: wikimedia.url,
  });
  await viewcast.ready();
  expect(viewcast.output).toContain('Wikimedia cannot be reached (answered 503)');
  await until('generated changes are counted', async () => (await fetchCount(viewcast)) > 20);
  expect((await fetchRows(viewcast, 'input'))[0]?.[0]).toBe('generated');
  const sent = ['first', 'second'].map((value) => ({ topic: 'example', value: { value } }));
  for (const message of sent) await sendMessage(viewcast, message);
  const archived = await fetchArchive(viewcast);
  const viewer = readWebSocket(viewcast.page, 'counter');
  await until('the viewer has the counter', () => viewer.messages.length);

  answers = true;
  await until('the badge says live', async () => {
    return (await fetchRows(viewcast, 'input'))[0]?.[0] === 'live';
  });
  expect(viewcast.output).toContain('Wikimedia answers: switching to live changes');
  // Each view follows on a connection of its own, so they may turn a moment apart.
  await until('no generated user is left', async () => {
    const users = await fetchRows(viewcast, 'useredits');
    return users.length > 0 && users.every(([user]) => /^Stand-in \d+$/.test(String(user)));
  });
  await until('what people sent came along, as it was', async () => {
    return isDeepStrictEqual(await fetchArchive(viewcast), archived);
  });
  expect(archived.map(([id, , , , value]) => [id, value])).toEqual([
    [0, 'first'],
    [1, 'second'],
  ]);
  const held = viewer.messages.length;
  await until(
    'the viewer goes on, on the same connection',
    () => viewer.messages.length > held + 2,
  );
  viewer.close();
});

async function fetchArchive(viewcast: Viewcast) {
  const rows = await fetchRows(viewcast, 'archive');
  return rows.toSorted(([a], [b]) => Number(a) - Number(b));
}

async function sendMessage({ page }: Viewcast, message: object): Promise<void> {
  const response = await fetch(`${page}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify(message),
  });
  expect(response.status).toBe(201);
}
