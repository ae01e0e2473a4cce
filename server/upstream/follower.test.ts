import { expect, onTestFinished, test } from 'vitest';
import { View } from '../view/view.ts';
import type { Dialect } from './dialect.ts';
import { backoffLimitMs, Follower, type Report } from './follower.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { ScriptedDatabase, serverError } from './scripted-connection.ts';

const OUT_OF_HISTORY = serverError('22000', 'could not find a valid timestamp for the query');

async function follow(setUp: (database: ScriptedDatabase) => void = () => {}) {
  const clock = new ManualClock();
  const database = new ScriptedDatabase();
  const view = new View('v');
  const reports: Report[] = [];
  const spoken: Dialect[] = [];
  setUp(database);
  const follower = new Follower('v', view, {
    connect: database.connect,
    clock,
    random: () => 0.5,
    report: (report) => reports.push(report),
    speaks: (dialect) => spoken.push(dialect),
  });
  onTestFinished(() => follower.stop());
  await settle();
  return { clock, database, view, follower, reports, spoken };
}

/** A view that is live at 1,000,010 with one row. */
async function followLive() {
  const parts = await follow();
  const { stream } = parts.database;
  stream.progress(700_000);
  stream.data(700_000, 1, 'x');
  stream.progress(700_001);
  stream.progress(1_000_010);
  expect(parts.view.state).toBe('live');
  return parts;
}

test('asks for five minutes of history, in a transaction of its own', async () => {
  const { database, view } = await followLive();
  expect(database.statements.slice(-2)).toEqual([
    'BEGIN',
    'SUBSCRIBE "v" WITH (PROGRESS) AS OF AT LEAST 700000',
  ]);
  expect(database.statements).toContain('SET idle_in_transaction_session_timeout = 0');
  expect(view.rows).toEqual(new Map([['["x"]', 1]]));
  expect(view.since(view.epoch, 700_010)?.changes.size).toBe(0);
});

test('where there is no history it asks for less, then for none, on one connection', async () => {
  const { database, view } = await follow((it) => {
    it.version = 'v0.26.1 (abc)';
    it.failing = { pattern: /AS OF/, error: OUT_OF_HISTORY };
  });
  const probe = 'DECLARE viewcast_probe CURSOR FOR TAIL "v" WITH (PROGRESS) AS OF';
  expect(database.statements.filter((sql) => /DECLARE|^TAIL/.test(sql))).toEqual([
    `${probe} 700000`,
    `${probe} 940000`,
    `${probe} 990000`,
    'DECLARE viewcast_probe CURSOR FOR TAIL "v" WITH (PROGRESS)',
    'TAIL "v" WITH (PROGRESS)',
  ]);
  database.stream.data(1_000_000, 1, 'x');
  database.stream.progress(1_000_001);
  expect(view.state).toBe('live');
  expect(database.connections).toBe(1);
});

test('the older line is asked by TAIL, and whether AS OF is in reach by a probe', async () => {
  const { database } = await follow((it) => {
    it.version = 'v0.26.1 (abc)';
    it.failing = {
      pattern: /AS OF/,
      error: serverError('XX000', 'Timestamp (1) is not valid for all inputs: [Antichain]'),
    };
  });
  expect(database.streams.map(({ statement }) => statement)).toEqual(['TAIL "v" WITH (PROGRESS)']);
  expect(database.statements).toContain(
    'DECLARE viewcast_probe CURSOR FOR TAIL "v" WITH (PROGRESS) AS OF 700000',
  );
  expect(database.statements.some((sql) => sql.startsWith('SET'))).toBe(false);
});

test('the older line keeps errors of a stream to itself, so each is asked for by a probe', async () => {
  const error = serverError('XX000', "'v' cannot be tailed because it is a sink");
  const { database, reports } = await follow((it) => {
    it.version = 'v0.26.1 (abc)';
    it.failing = { pattern: /CURSOR FOR TAIL/, error };
  });
  expect(reports).toEqual([{ view: 'v', kind: 'lost', message: error.message, error }]);
  expect(database.streams).toEqual([]);
});

test.each([
  ['the newer keyword is taken', null, 'SUBSCRIBE'],
  ['a syntax error means the older one', serverError('42601', 'found identifier'), 'TAIL'],
])('a build on the way to 0.27.0 is asked by trying: %s', async (_, error, keyword) => {
  const { database, spoken } = await follow((it) => {
    it.version = 'v0.27.0-alpha.3 (abc)';
    if (error !== null) it.failing = { pattern: /FOR SUBSCRIBE \(SELECT/, error };
  });
  expect(database.streams[0]?.statement ?? database.statements.at(-1)).toContain(keyword);
  expect(spoken).toEqual([keyword.toLowerCase()]);
});

test('the freshest complete time is read, without waiting for lagging sources', async () => {
  const { database } = await followLive();
  const set = database.statements.indexOf("SET transaction_isolation = 'serializable'");
  expect(set).toBeGreaterThan(-1);
  expect(set).toBeLessThan(database.statements.indexOf('BEGIN'));
});

test('cut off for reading too slowly, it goes on where it was', async () => {
  const { clock, database, view } = await followLive();
  database.stream.fail(
    serverError('XX000', 'SUBSCRIBE fell behind: the client did not read results fast enough'),
  );
  await clock.pass(50);
  expect(database.stream.statement).toContain('SNAPSHOT = false) AS OF 1000009');
  expect(view.state).toBe('live');
});

test('F1: a cut stream is resumed one below the frontier, without a snapshot', async () => {
  const { clock, database, view } = await followLive();
  database.stream.data(1_000_011, 1, 'half');
  database.stream.fail(new Error('Connection terminated unexpectedly'));
  await clock.pass(50);
  const { stream } = database;
  expect(stream.statement).toBe('SUBSCRIBE "v" WITH (PROGRESS, SNAPSHOT = false) AS OF 1000009');
  stream.progress(1_000_009);
  stream.data(1_000_011, 1, 'half');
  stream.data(1_000_011, 1, 'whole');
  stream.progress(1_000_012);
  expect(view.rows.get('["half"]')).toBe(1);
  expect(view.rows.get('["whole"]')).toBe(1);
});

test('F2: without history the new snapshot follows, and no viewer is reset', async () => {
  const { clock, database, view } = await followLive();
  let resets = 0;
  view.watch({ batch: () => {}, reset: () => resets++, state: () => {} });
  database.failing = { pattern: /AS OF/, error: OUT_OF_HISTORY };
  database.stream.fail(new Error('reset by peer'));
  await clock.pass(50);
  const { stream } = database;
  expect(stream.statement).toBe('SUBSCRIBE "v" WITH (PROGRESS)');
  stream.progress(1_000_100);
  stream.data(1_000_100, 1, 'y');
  stream.progress(1_000_101);
  expect(view.rows).toEqual(new Map([['["y"]', 1]]));
  expect(resets).toBe(0);
});

test('F4: where time went back the view is read anew, and shown in a new epoch', async () => {
  const { clock, database, view } = await followLive();
  const { epoch } = view;
  database.now = 700_000;
  database.stream.fail(new Error('reset by peer'));
  await clock.pass(50);
  expect(database.stream.statement).toBe('SUBSCRIBE "v" WITH (PROGRESS)');
  database.stream.progress(700_000);
  database.stream.data(700_000, 1, 'y');
  database.stream.progress(700_001);
  expect([view.frontier, view.state]).toEqual([700_001, 'live']);
  expect(view.epoch).not.toBe(epoch);
  expect([...view.rows.keys()]).toEqual(['["y"]']);
});

test('F3: 3 s without progress is stale, 10 s is a new connection', async () => {
  const { clock, database, view, reports } = await followLive();
  const { stream } = database;
  await clock.pass(2_999);
  expect(view.state).toBe('live');
  await clock.pass(1);
  expect(view.state).toBe('stale');
  stream.progress(1_000_020);
  expect(view.state).toBe('live');
  // Rows without progress are no sign of life: progress is due each second.
  stream.data(1_000_030, 1, 'z');
  await clock.pass(9_999);
  expect(stream.closed).toBe(false);
  await clock.pass(100);
  expect(stream.closed).toBe(true);
  expect(reports.at(-1)).toMatchObject({ kind: 'lost', error: { code: 'UPSTREAM_LOST' } });
  expect(database.streams).toHaveLength(2);
});

test('a start that is silent for 30 s is given up, one that brings rows is not', async () => {
  const { clock, database } = await follow();
  const { stream } = database;
  await clock.pass(29_000);
  stream.progress(700_000);
  stream.data(700_000, 1, 'x');
  await clock.pass(29_000);
  expect(stream.closed).toBe(false);
  await clock.pass(1_100);
  expect(stream.closed).toBe(true);
});

test('the back-off grows to 5 s with full jitter, and starts over after a good connection', async () => {
  expect([1, 2, 3, 7, 50].map(backoffLimitMs)).toEqual([100, 200, 400, 5_000, 5_000]);
  const { clock, database, reports } = await follow((it) => {
    it.refuses = new Error('connect ECONNREFUSED');
  });
  const times: number[] = [];
  for (let seen = 1; times.length < 9; ) {
    await clock.pass(10);
    if (database.connections > seen) times.push(clock.now());
    seen = database.connections;
  }
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_500, 2_500, 2_500]);
  expect(reports.map(({ message }) => message)).toEqual(['connect ECONNREFUSED']);
});

test('a view that contradicts itself is read anew, not at once and for ever', async () => {
  const { clock, database, view, reports } = await followLive();
  database.stream.data(1_000_020, -1, 'never there');
  database.stream.progress(1_000_021);
  await clock.pass(50);
  expect(reports[0]?.message).toContain('reached -1');
  expect(database.stream.statement).toBe('SUBSCRIBE "v" WITH (PROGRESS) AS OF AT LEAST 700000');
  database.stream.progress(1_000_100);
  database.stream.data(1_000_100, 1, 'x');
  database.stream.progress(1_000_101);
  expect([view.frontier, view.state]).toEqual([1_000_101, 'live']);
});

test('an error inside the view leaves what is shown, and is tried again', async () => {
  const { clock, database, view, reports } = await followLive();
  database.stream.fail(serverError('XX000', 'Evaluation error: division by zero'));
  await clock.pass(3_000);
  expect(view.state).toBe('stale');
  expect(view.rows.size).toBe(1);
  expect(reports[0]?.message).toBe('Evaluation error: division by zero');
});

test('F18: a dropped view is gone, and live in a new epoch when it is created anew', async () => {
  const { clock, database, view, follower } = await followLive();
  const { epoch } = view;
  database.object = null;
  database.stream.fail(serverError('42704', "relation 'materialize.public.v' was dropped"));
  await clock.pass(1);
  expect(view.state).toBe('gone');
  database.object = 'u2';
  follower.retry();
  await settle();
  const { stream } = database;
  stream.progress(1_000_100);
  stream.progress(1_000_101);
  expect(view.state).toBe('live');
  expect(view.epoch).not.toBe(epoch);
  expect(view.rows.size).toBe(0);
});

test('a constant view ends, stays served, and is not asked for again', async () => {
  const { clock, database, view, follower } = await follow((it) => {
    it.failing = { pattern: /AS OF/, error: OUT_OF_HISTORY };
  });
  database.stream.progress('18446744073709551615');
  database.stream.data('18446744073709551615', 1, 'x');
  database.stream.end();
  await clock.pass(600_000);
  expect([view.state, view.frontier, view.rows.size]).toEqual(['ended', 'end', 1]);
  expect(database.connections).toBe(1);
  // Created anew, it may be one that moves.
  database.object = 'u2';
  follower.retry();
  await settle();
  database.stream.progress(2_000_000);
  database.stream.progress(2_000_001);
  expect(view.state).toBe('live');
  await clock.pass(3_000);
  expect(view.state).toBe('stale');
});

test('a stream that ends because its view was dropped is no constant view', async () => {
  const { clock, database, view } = await follow((it) => {
    it.version = 'v0.26.1 (abc)';
    it.failing = { pattern: /AS OF/, error: serverError('XX000', 'is not valid for all inputs') };
  });
  database.object = null;
  database.stream.end();
  await clock.pass(10_000);
  expect(view.state).toBe('gone');
  expect(database.connections).toBeGreaterThan(1);
});

test('a stream that ends after it moved is opened again', async () => {
  const { clock, database, view } = await followLive();
  database.stream.end();
  await clock.pass(100);
  expect(database.streams).toHaveLength(2);
  expect(view.frontier).toBe(1_000_010);
});

test('a plain PostgreSQL is refused with what to do', async () => {
  const { reports, view } = await follow((it) => {
    it.failing = {
      pattern: /mz_version/,
      error: serverError('42883', 'function mz_version() does not exist'),
    };
  });
  expect(reports[0]).toMatchObject({ kind: 'lost', error: { code: 'NOT_MATERIALIZE' } });
  expect(reports[0]?.message).toContain('VIEWCAST_UPSTREAM');
  expect(view.state).toBe('hydrating');
});

test('stopped, it closes its connection and waits for nothing', async () => {
  const { clock, database, follower, reports } = await followLive();
  follower.stop();
  await clock.pass(60_000);
  expect(database.stream.closed).toBe(true);
  expect(database.connections).toBe(1);
  expect(clock.waiting).toBe(0);
  expect(reports).toEqual([]);
});
