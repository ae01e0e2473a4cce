import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { foldStream, readEvents, readWebSocket, type StreamLog } from '../stream-log.ts';
import { fetchRows, type Parts, temporaryFolder, until, Viewcast } from '../viewcast.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;
const logs: StreamLog[] = [];

afterEach(async () => {
  for (const log of logs.splice(0)) log.close();
  await viewcast.stop();
  folder.remove();
});

const RATE = 300;
const KILLS = 12;
const SEED = Number(process.env.SEED ?? Date.now() % 100_000);

/** A small generator (mulberry32), so that a failing run can be run again with SEED. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test(`parts killed at random under load: every count is that of the rows (SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  viewcast = new Viewcast([
    ...['--generate', String(RATE), '--data', folder.path, '--port', '0', '--sql-port', '0'],
  ]);
  await viewcast.ready();
  for (let n = 0; n < KILLS; n++) {
    // The moment of the kill is what is random here, not something that is waited for.
    await new Promise((resolve) => setTimeout(resolve, 1_000 + random() * 4_000));
    const part = (['engine', 'ingest', 'server', 'engine'] as const)[Math.floor(random() * 4)];
    const pid = await running(part ?? 'engine');
    process.kill(pid, 'SIGKILL');
  }
  for (const part of ['engine', 'ingest', 'server'] as const) await running(part);
  await until('the views are served', async () => (await fetchRows(viewcast, 'counter')).length);
  const streams = {
    counter: readWebSocket(viewcast.page, 'counter'),
    useredits: readEvents(viewcast.page, 'useredits'),
  };
  logs.push(...Object.values(streams));
  await until('viewers follow', () =>
    Object.values(streams).every(({ messages }) => messages.length > 20),
  );

  await checkSql();
  for (const { messages } of Object.values(streams)) foldStream(messages);
  const last = foldStream(streams.counter.messages).at(-1);
  const users = foldStream(streams.useredits.messages).findLast(
    ({ timestamp }) => timestamp <= (last?.timestamp ?? 0),
  );
  const sum = (users?.rows ?? []).reduce((total, [, count]) => total + Number(count), 0);
  // Changes without a user are in the counter alone.
  expect(sum).toBeLessThanOrEqual(Number(last?.rows[0]?.[0]));
  expect(sum).toBeGreaterThan(0);
}, 300_000);

async function running(part: keyof Parts): Promise<number> {
  return await until(`the ${part} runs`, () => viewcast.parts()[part] ?? null);
}

/** In one statement, as of one moment: views against a count of the rows that made them. */
async function checkSql(): Promise<void> {
  const client = new pg.Client({ connectionString: viewcast.sqlUrl });
  await client.connect();
  try {
    const { rows } = await client.query(`
      SELECT (SELECT count FROM counter)                        AS counter,
             (SELECT count(*) FROM recentchange)                AS changes,
             (SELECT count(DISTINCT meta_id) FROM recentchange) AS ids,
             (SELECT sum(count) FROM useredits)                 AS edits,
             (SELECT count("user") FROM recentchange)           AS with_user,
             (SELECT count(*) FROM
               (SELECT * FROM useredits EXCEPT
                SELECT "user", count(*) FROM recentchange WHERE "user" IS NOT NULL GROUP BY "user") AS wrong
             )                                                  AS wrong`);
    const [{ counter, changes, ids, edits, with_user: withUser, wrong }] = rows as [
      Record<string, string>,
    ];
    expect(Number(changes)).toBeGreaterThan(RATE);
    expect({ counter, ids, edits, wrong }).toEqual({
      counter: changes,
      ids: changes,
      edits: withUser,
      wrong: '0',
    });
  } finally {
    await client.end();
  }
}
