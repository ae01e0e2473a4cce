import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applySqlFolder } from '../start/engine-database.ts';
import { Part } from '../tests/part.ts';
import {
  mappedDayOf2015,
  minuteOf2021,
  readUnpacked,
  recordingsMissing,
} from '../tests/recordings.ts';
import { root, until } from '../tests/viewcast.ts';
import { type Behaviour, parseStandInEvents, startStandIn } from '../tests/wikimedia-stand-in.ts';
import { readRecording } from './recording.ts';

let folder: string;
let parts: Part[] = [];
let engine: Part;
let port: number;

function start(main: string, env: Readonly<Record<string, string>>): Part {
  const part = new Part(main, env);
  parts.push(part);
  return part;
}

async function startEngine(sqlPort: number): Promise<void> {
  engine = start('embedded/main.ts', {
    VIEWCAST_SQL_PORT: String(sqlPort),
    VIEWCAST_STORE: join(folder, 'store'),
  });
  const ready = await engine.until((message) => message.type === 'ready');
  port = Number(ready.port);
}

const engineUrl = () => `postgres://materialize@127.0.0.1:${port}/materialize`;

function ingest(env: Readonly<Record<string, string>>): Part {
  return start('stream-ingest/main.ts', { VIEWCAST_ENGINE: engineUrl(), ...env });
}

async function rows(sql: string): Promise<readonly unknown[][]> {
  const client = new pg.Client({ connectionString: engineUrl() });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

async function counted(): Promise<readonly number[]> {
  const [counts] = await rows(
    'SELECT (SELECT count FROM counter), (SELECT count(*) FROM recentchange), ' +
      '(SELECT count(DISTINCT meta_id) FROM recentchange), (SELECT sum(count) FROM useredits)',
  );
  return (counts ?? []).map(Number);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-ingest-'));
  await startEngine(0);
  const { problems } = await applySqlFolder(
    { sql: join(root, 'sql'), schemas: join(root, 'avro_schemas') },
    { kind: 'embedded' },
    engineUrl(),
    join(folder, 'sql.json'),
  );
  expect(problems).toEqual([]);
});
afterEach(async () => {
  for (const part of parts) await part.kill();
  parts = [];
  rmSync(folder, { recursive: true });
});

const leaders = [
  ['Keo010122Bot', '197'],
  ['RudolphousBot', '103'],
  ['EN-Jungwon', '93'],
  ['Mr.Ibrahembot', '90'],
  ['GeographBot', '72'],
  ['SuccuBot', '61'],
  ['DPLA bot', '59'],
  ['Fæ', '59'],
  ['CheWikibot', '48'],
  ['Matlin', '46'],
];
const top10 = 'SELECT "user", count FROM top10 ORDER BY count DESC, "user"';
const recordings = recordingsMissing ?? 'recordings found';

test.skipIf(recordingsMissing !== null)(
  `the recorded minute gives its counter and leaders, once (${recordings})`,
  async () => {
    const replay = {
      VIEWCAST_INPUT: 'replay',
      VIEWCAST_REPLAY: minuteOf2021,
      VIEWCAST_SPEED: 'max',
    };
    for (const time of ['first', 'again']) {
      const part = ingest(replay);
      expect(await part.ended, part.errors).toBe(0);
      expect(await counted(), time).toEqual([1950, 1950, 1950, 1950]);
      expect((await rows(top10)).map(([user, count]) => [user, String(count)])).toEqual(leaders);
      const input = { type: 'input', kind: 'recorded', label: '2021-08-27' };
      expect(part.messages).toContainEqual({ type: 'ready' });
      expect(part.messages).toContainEqual({ ...input, state: 'connected' });
      expect(part.messages).toContainEqual({ type: 'progress', done: 1950, total: 1950 });
      expect(part.messages.slice(-2)).toEqual([{ ...input, state: 'ended' }, { type: 'done' }]);
    }
    expect(await rows('SELECT kind, label, state FROM input')).toEqual([
      ['recorded', '2021-08-27', 'ended'],
    ]);
    const other = ingest({ VIEWCAST_INPUT: 'generate' });
    expect(await other.ended).toBe(1);
    expect(other.errors).toContain('start the engine on a store of its own');
  },
);

test.skipIf(recordingsMissing !== null)(
  `neither the input's nor the engine's death loses or doubles a change (${recordings})`,
  async () => {
    const replay = {
      VIEWCAST_INPUT: 'replay',
      VIEWCAST_REPLAY: mappedDayOf2015,
      VIEWCAST_SPEED: 'max',
    };
    const reached = (part: Part, done: number) =>
      part.until((message) => message.type === 'done' || Number(message.done) >= done);
    let part = ingest(replay);
    for (const done of [3_000, 9_000, 16_000]) {
      await reached(part, done);
      await part.kill();
      part = ingest(replay);
    }
    await reached(part, 22_000);
    await engine.kill();
    await startEngine(port);
    expect(await part.ended, part.errors).toBe(0);
    expect(await counted()).toEqual([39_244, 39_244, 39_244, 39_244]);
  },
  120_000,
);

test.skipIf(recordingsMissing !== null)(
  `F22: a faulty stream, and an input that is killed, count each event once (${recordings})`,
  async () => {
    const events = parseStandInEvents(readUnpacked(minuteOf2021));
    const faults: Behaviour[] = [
      { kind: 'refuse', status: 429, headers: { 'retry-after': '1' } },
      { kind: 'stream', cutAfterBytes: 423_457, canaryEvery: 10 },
      { kind: 'stream', cutAfterBytes: 1_400_001, repeatEvery: 3, pieceBytes: 1_009 },
      { kind: 'stream', endAfterEvents: 1_600, tornEvery: 7 },
    ];
    const standIn = await startStandIn({
      events,
      contactRequired: true,
      behave: (n) => faults[n] ?? { kind: 'stream' },
    });
    try {
      const live = {
        VIEWCAST_STREAM_URL: standIn.url,
        VIEWCAST_CONTACT: 'test@example.org',
        VIEWCAST_RECORD: join(folder, 'recorded.sse'),
      };
      const first = ingest(live);
      const count = async () => Number((await rows('SELECT count FROM counter'))[0]?.[0]);
      await until('so many are counted', async () => (await count()) >= 400);
      await first.kill();
      const second = ingest(live);
      await until('so many are counted', async () => (await count()) >= 1950);
      expect(await second.kill('SIGINT')).toBe(0);
      expect(await counted()).toEqual([1950, 1950, 1950, 1950]);
      expect(standIn.requests[0]?.userAgent).toMatch(/^viewcast\/\S+ \(test@example\.org\) node\//);
      expect(await rows('SELECT kind, state FROM input')).toEqual([['live', 'connected']]);
      const recorded = new Set<string>();
      for await (const json of readRecording(live.VIEWCAST_RECORD)) recorded.add(json);
      for (const { json } of events) expect(recorded.has(json)).toBe(true);
    } finally {
      await standIn.close();
    }
  },
  120_000,
);

test('generated changes come at their rate and go on after a stop', async () => {
  const generate = { VIEWCAST_INPUT: 'generate', VIEWCAST_RATE: '2000' };
  for (const atLeast of [300, 900]) {
    const part = ingest(generate);
    await part.until(({ type }) => type === 'ready');
    await until('so many are counted', async () => ((await counted())[0] ?? 0) >= atLeast);
    expect(await part.kill('SIGTERM')).toBe(0);
  }
  const [counter, all, distinct] = await counted();
  expect([all, distinct]).toEqual([counter, counter]);
});

test('wrong settings are said at once, all of them', async () => {
  const bad = ingest({ VIEWCAST_INPUT: 'tape', VIEWCAST_RATE: '-1' });
  expect(await bad.ended).toBe(2);
  expect(bad.errors.trim().split('\n')).toHaveLength(2);
});
