import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Core } from './core.ts';
import { makeView, openCore, Reader, run, runTogether } from './core-probe.ts';
import { query } from './wire/request.ts';

let core: Core | undefined;
afterEach(async () => {
  await core?.close();
  core = undefined;
});

async function open(options: Parameters<typeof openCore>[0] = {}): Promise<Core> {
  core = await openCore(options);
  return core;
}

async function openWithTable(): Promise<Core> {
  const opened = await open();
  await run(opened, 'CREATE TABLE t (a integer, b text)');
  return opened;
}

test('a snapshot starts with progress at its time and is complete when progress passes it', async () => {
  const opened = await openWithTable();
  await run(opened, `INSERT INTO t VALUES (1, 'x'), (1, 'x')`);
  const subscription = await opened.subscribe({ from: { relation: 't' }, snapshot: true });
  const rows = subscription.take(10);
  expect(rows.map(({ kind }) => kind)).toEqual(['progress', 'data', 'progress']);
  expect(rows[0]?.time).toBe(subscription.asOf);
  expect(rows[1]).toMatchObject({ time: subscription.asOf, diff: 2 });
  expect(rows[2]?.time).toBeGreaterThan(subscription.asOf);
});

test('an empty view tells by progress alone that it is empty', async () => {
  const opened = await openWithTable();
  const reader = await Reader.open(opened, 't');
  reader.take();
  expect(reader.updates).toEqual([]);
  expect(reader.frontier).toBeGreaterThan(reader.subscription.asOf);
});

test('a rolled back transaction emits nothing, a committed one has one timestamp', async () => {
  const opened = await openWithTable();
  const reader = await Reader.open(opened, 't');
  await runTogether(opened, [`INSERT INTO t VALUES (1, 'no')`], false);
  await runTogether(opened, [`INSERT INTO t VALUES (2, 'a')`, `INSERT INTO t VALUES (3, 'b')`]);
  await reader.until(await opened.now());
  expect(reader.updates.map(({ row }) => row).toSorted()).toEqual(['2|a', '3|b']);
  expect(new Set(reader.updates.map(({ time }) => time)).size).toBe(1);
});

test('whoever resumes as of the frontier it held sees what came since, once', async () => {
  const opened = await openWithTable();
  await makeView(opened, 'v', 'SELECT b, count(*) AS n FROM t GROUP BY b');
  const first = await Reader.open(opened, 'v');
  for (let n = 0; n < 10; n++) {
    await run(opened, `INSERT INTO t VALUES (${n}, 'b${n % 3}')`);
    await opened.now();
  }
  const last = await opened.now();
  await first.until(last);
  first.subscription.close();
  for (const held of new Set(first.updates.map(({ time }) => time))) {
    const asOf = { time: held, atLeast: false };
    const resumed = await Reader.open(opened, 'v', { snapshot: false, asOf });
    await resumed.until(last);
    expect(resumed.updates).toEqual(first.updates.filter(({ time }) => time > held));
    const anew = await Reader.open(opened, 'v', { asOf });
    await anew.until(last);
    expect(anew.at(held)).toEqual(first.at(held));
    expect(anew.at(last)).toEqual(first.at(last));
  }
});

test('all views agree at every time, also where re-evaluation needs its rest', async () => {
  const opened = await open({ restFactor: 30, idleMs: 5 });
  await run(opened, 'CREATE TABLE t (a integer, b text)');
  await makeView(opened, 'v', 'SELECT b, a FROM t ORDER BY a DESC LIMIT 3');
  const table = await Reader.open(opened, 't');
  const view = await Reader.open(opened, 'v');
  for (let n = 0; n < 60; n++) {
    await run(opened, `INSERT INTO t VALUES (${n}, 'b')`);
    await setTimeout(n % 5);
  }
  const last = await opened.now();
  await Promise.all([table.until(last), view.until(last)]);
  const times = new Set(table.updates.map(({ time }) => time));
  expect(times.size).toBeGreaterThan(1);
  for (const time of times) {
    const newest = table
      .at(time)
      .map((row) => Number(row.split('|')[0]))
      .toSorted((a, b) => b - a);
    const expected = newest.slice(0, 3).map((n) => `b|${n}`);
    expect(view.at(time), `at ${time}`).toEqual(expected.toSorted());
  }
});

test('a time before the history is refused with 22000, or moved up by AT LEAST', async () => {
  const opened = await openWithTable();
  await Reader.open(opened, 't');
  const asOf = { time: 1000n, atLeast: false };
  const request = { from: { relation: 't' }, snapshot: true, asOf };
  await expect(opened.subscribe(request)).rejects.toMatchObject({
    code: '22000',
    message: 'could not find a valid timestamp for the query',
  });
  const reader = await Reader.open(opened, 't', { asOf: { time: 1000n, atLeast: true } });
  expect(reader.subscription.asOf).toBeGreaterThan(1000n);
});

test('a time ahead is waited for, and its snapshot is of that time', async () => {
  const opened = await openWithTable();
  await run(opened, `INSERT INTO t VALUES (1, 'before')`);
  const time = (await opened.now()) + 300n;
  const reader = await Reader.open(opened, 't', { asOf: { time, atLeast: false } });
  await run(opened, `INSERT INTO t VALUES (2, 'meanwhile')`);
  await reader.until(time);
  expect(reader.at(time)).toEqual(['1|before', '2|meanwhile']);
  expect(reader.updates.every((update) => update.time === time)).toBe(true);
});

test('UP TO ends the stream before its time', async () => {
  const opened = await openWithTable();
  const upTo = (await opened.now()) + 200n;
  const reader = await Reader.open(opened, 't', { upTo });
  const signal = AbortSignal.timeout(20_000);
  while (!reader.subscription.ended) {
    await reader.subscription.ready(signal);
    reader.take();
  }
  expect(reader.frontier).toBeLessThan(upTo);
  const backwards = { from: { relation: 't' }, snapshot: true, upTo: 5n };
  await expect(opened.subscribe(backwards)).rejects.toMatchObject({ code: '22000' });
});

test('a constant view ends, at the end of time', async () => {
  const opened = await open();
  await makeView(opened, 'one', 'SELECT 1 AS one');
  const reader = await Reader.open(opened, 'one');
  reader.take();
  expect(reader.updates).toEqual([{ time: 2n ** 64n - 1n, row: '1', diff: 1 }]);
  expect(reader.subscription.ended).toBe(true);
});

test('a query can be subscribed to', async () => {
  const opened = await openWithTable();
  const from = { query: 'SELECT b, a * 2 AS twice FROM t WHERE a > 1 ORDER BY a' };
  const reader = new Reader(await opened.subscribe({ from, snapshot: true }));
  const top = { query: 'SELECT a FROM t ORDER BY a DESC LIMIT 1' };
  const best = new Reader(await opened.subscribe({ from: top, snapshot: true }));
  await run(opened, `INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')`);
  const now = await opened.now();
  await reader.until(now);
  await best.until(now);
  expect(reader.at(now)).toEqual(['y|4', 'z|6']);
  expect(best.at(now)).toEqual(['3']);
  expect(reader.subscription.fields.map(({ name }) => name)).toEqual(['b', 'twice']);
});

test('dropping a relation ends its readers with 42704, and takes what depends on it along', async () => {
  const opened = await openWithTable();
  await makeView(opened, 'v', 'SELECT b, count(*) AS n FROM t GROUP BY b');
  await makeView(opened, 'w', 'SELECT n FROM v');
  const reader = await Reader.open(opened, 'w');
  const drop = { kind: 'table', names: ['t'], ifExists: false } as const;
  await expect(opened.catalog.drop({ ...drop, cascade: false })).rejects.toMatchObject({
    code: '2BP01',
  });
  await opened.catalog.drop({ ...drop, cascade: true });
  reader.take();
  await expect(reader.subscription.ready(AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: '42704',
    message: "relation 'materialize.public.w' was dropped",
  });
  expect(await opened.catalog.relations()).toEqual([]);
});

test('the catalogue can be subscribed to, and never gives an id twice', async () => {
  const opened = await openWithTable();
  const reader = await Reader.open(opened, 'mz_objects');
  await makeView(opened, 'v', 'SELECT a FROM t');
  await opened.catalog.drop({ kind: 'view', names: ['v'], ifExists: false, cascade: false });
  await makeView(opened, 'v', 'SELECT a FROM t');
  const now = await opened.now();
  await reader.until(now);
  expect(reader.at(now)).toEqual(['u1|t|table', 'u3|v|materialized-view']);
});

test('a view that fails ends its readers with XX000, and inserts go on', async () => {
  const opened = await openWithTable();
  await makeView(opened, 'v', 'SELECT 10 / a AS q FROM t');
  const reader = await Reader.open(opened, 'v');
  await run(opened, `INSERT INTO t VALUES (0, 'zero')`);
  await opened.now();
  reader.take();
  await expect(reader.subscription.ready(AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: 'XX000',
    message: 'Evaluation error: division by zero',
  });
});

test('a query whose readers were ended by an error is subscribed to anew, and starts over', async () => {
  const opened = await open({ idleMs: 3_600_000 });
  await run(opened, 'CREATE TABLE t (a integer)');
  await run(opened, 'INSERT INTO t VALUES (5)');
  const request = { from: { query: 'SELECT 10 / a AS q FROM t' }, snapshot: true };
  const failing = new Reader(await opened.subscribe(request));
  // Subscribing finds out itself; then the feed has failed before.
  for (const _ of [1, 2]) {
    await run(opened, 'INSERT INTO t VALUES (0)');
    await expect(opened.subscribe(request)).rejects.toMatchObject({ code: '22012' });
  }
  failing.take();
  await expect(failing.subscription.ready(AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: 'XX000',
  });
  await run(opened, 'DELETE FROM t WHERE a = 0');
  const again = new Reader(await opened.subscribe(request));
  await run(opened, 'INSERT INTO t VALUES (2)');
  const now = await opened.now();
  await again.until(now);
  expect(again.at(now)).toEqual(['2', '5']);
});

test('a view of the present moves without any change', async () => {
  const opened = await openWithTable();
  await makeView(opened, 'late', 'SELECT b FROM t WHERE a < mz_now() - 1700000000000');
  await run(opened, `INSERT INTO t VALUES (0, 'past')`);
  const reader = await Reader.open(opened, 'late');
  const now = await opened.now();
  await reader.until(now);
  expect(reader.at(now)).toEqual(['past']);
});

test('single-row inserts of many sessions are joined, and each gets its own answer', async () => {
  const opened = await open();
  await run(opened, 'CREATE TABLE t (a integer PRIMARY KEY, b text)');
  const reader = await Reader.open(opened, 't');
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) =>
      run(opened, `INSERT INTO t VALUES (${n % 40}, 'it''s ${n}')`),
    ),
  );
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: '23505' });
  }
  const now = await opened.now();
  await reader.until(now);
  expect(reader.at(now)).toEqual(
    (await run(opened, 'SELECT * FROM t')).map((row) => row.join('|')).toSorted(),
  );
});

test('retention keeps the newest rows and all counts, and readers of rows lose the old ones', async () => {
  const opened = await open({ housekeepingMs: 30 });
  await run(opened, `CREATE TABLE t (a integer, b text) WITH (RETAIN ROWS 10, RETAIN FOR '0 s')`);
  await makeView(opened, 'total', 'SELECT count(*) AS n, sum(a) AS s FROM t');
  await makeView(opened, 'shown', 'SELECT a FROM t WHERE a >= 0');
  const notice = await makeView(opened, 'least', 'SELECT min(a) AS m FROM t');
  expect(notice).toContain('lets go of old rows');
  const readers = await Promise.all(
    ['t', 'total', 'shown', 'least'].map((name) => Reader.open(opened, name)),
  );
  const [rows, total, shown, least] = readers;
  const signal = AbortSignal.timeout(20_000);
  let inserted = 0;
  for (let oldest = 0; oldest < 20; ) {
    signal.throwIfAborted();
    await run(opened, `INSERT INTO t VALUES (${inserted++}, 'x')`);
    oldest = Number((await run(opened, 'SELECT min(a) FROM t'))[0]?.[0]);
  }
  // Letting go may still be under way: it is over once rows and readers agree.
  let now = 0n;
  let kept: readonly (string | undefined)[] = [];
  do {
    signal.throwIfAborted();
    now = await opened.now();
    for (const reader of readers) await reader.until(now);
    kept = (await run(opened, 'SELECT a FROM t ORDER BY a')).map(([a]) => a);
  } while (shown?.at(now).length !== kept.length);
  expect(kept).toEqual(
    Array.from({ length: kept.length }, (_, n) => String(inserted - kept.length + n)),
  );
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(shown?.at(now)).toEqual(kept.toSorted());
  expect(rows?.at(now)).toEqual(kept.map((a) => `${a}|x`).toSorted());
  expect(total?.at(now)).toEqual([`${inserted}|${(inserted * (inserted - 1)) / 2}`]);
  expect(least?.at(now)).toEqual([kept[0]]);
  await makeView(opened, 'later', 'SELECT count(*) AS n FROM t');
  const infos = await opened.catalog.relations();
  expect(infos.find(({ name }) => name === 'later')?.countsSince).toBeInstanceOf(Date);
  expect(infos.find(({ name }) => name === 'total')?.countsSince).toBeNull();
}, 60_000);

test('a kept result that has grown is vacuumed, and the planner is told of its values', async () => {
  const opened = await open({ housekeepingMs: 30 });
  await run(opened, 'CREATE TABLE t (a integer)');
  await makeView(opened, 'kept', 'SELECT a, count(*) AS n FROM t GROUP BY a');
  // Each row of it is written three times: two of three are dead.
  for (let round = 0; round < 3; round++) {
    await run(opened, 'INSERT INTO t SELECT generate_series(1, 10000)');
  }
  const known = `SELECT c.reltuples, s.n_distinct FROM pg_stats AS s
    JOIN pg_class AS c ON c.relname = s.tablename
    WHERE s.schemaname = 'viewcast_store' AND s.n_distinct <> 1`;
  await expect.poll(() => run(opened, known), { timeout: 20_000 }).toEqual([['10000', '-1']]);
}, 60_000);

test('what views could not follow is refused in a sentence', async () => {
  const opened = await openWithTable();
  await expect(run(opened, 'TRUNCATE t')).rejects.toMatchObject({ code: '0A000' });
  await expect(run(opened, 'ALTER TABLE t ADD c integer')).rejects.toMatchObject({ code: '0A000' });
  await expect(
    opened.subscribe({ from: { relation: 'nosuch' }, snapshot: true }),
  ).rejects.toMatchObject({
    code: 'XX000',
    message: "unknown catalog item 'nosuch'",
  });
});

test('settings of one session do not reach another, nor the text of streams', async () => {
  const opened = await open();
  await run(opened, 'CREATE TABLE t (at timestamptz)');
  const reader = await Reader.open(opened, 't');
  const insert = `INSERT INTO t VALUES ('2021-08-27 12:00')`;
  const berlin = new Map([['timezone', 'Europe/Berlin']]);
  await opened.autocommit({ frames: query(insert), sql: insert }, berlin, () => {});
  await run(opened, insert);
  const now = await opened.now();
  await reader.until(now);
  expect(reader.at(now)).toEqual(['2021-08-27 10:00:00+00', '2021-08-27 12:00:00+00']);
});

test('first rows of groups are kept incrementally, others of DISTINCT ON are re-evaluated', async () => {
  const opened = await openWithTable();
  const first = 'SELECT DISTINCT ON (b) b, a FROM t ORDER BY b, a';
  expect(await makeView(opened, 'firsts', first)).toBeNull();
  expect(await makeView(opened, 'any_of', 'SELECT DISTINCT ON (b) b, a FROM t')).toContain('re-');
  const reader = await Reader.open(opened, 'firsts');
  await run(opened, `INSERT INTO t VALUES (2, 'x'), (3, 'x'), (1, NULL)`);
  await reader.until(await opened.now());
  await run(opened, `INSERT INTO t VALUES (1, 'x'), (5, 'x')`);
  await reader.until(await opened.now());
  await run(opened, `DELETE FROM t WHERE a = 1`);
  await reader.until(await opened.now());
  const shown = reader.updates.map(({ row, diff }) => `${diff} ${row}`).toSorted();
  expect(shown).toEqual(['-1 NULL|1', '-1 x|1', '-1 x|2', '1 NULL|1', '1 x|1', '1 x|2', '1 x|2']);
});
