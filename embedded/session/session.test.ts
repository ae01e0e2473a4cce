import { expect, test } from 'vitest';
import { EngineError } from '../engine.ts';
import { frame, text } from '../wire/backend.ts';
import { data, FakeEngine, type FakeSubscription, progress } from './fake-engine.ts';
import {
  bind,
  closePortal,
  describePortal,
  execute,
  FLUSH,
  parse,
  query,
  RawClient,
  SYNC,
  TERMINATE,
} from './raw-client.ts';

function start(options = {}): { engine: FakeEngine; client: RawClient } {
  const engine = new FakeEngine();
  return { engine, client: new RawClient(engine, options) };
}

/** The newest subscription, once the session has opened it. */
async function opened(engine: FakeEngine, count = 1): Promise<FakeSubscription> {
  await expect.poll(() => engine.subscriptions.length).toBe(count);
  const newest = engine.subscriptions.at(-1);
  if (newest === undefined) throw new Error('no subscription');
  return newest;
}

const NOTICE =
  'N 01000 streaming SUBSCRIBE rows directly requires a client that does not buffer output';

test('each statement of a simple query is committed by itself', async () => {
  const { engine, client } = start();
  expect(await client.query('SELECT 1; INSERT 2')).toEqual([
    ...['T', 'D SELECT 1#0', 'C SELECT 1'],
    ...['T', 'D INSERT 2#0', 'C SELECT 1', 'Z I'],
  ]);
  expect(engine.log).toEqual(['auto: SELECT 1', 'auto: INSERT 2']);
  expect(await client.query(' -- nothing')).toEqual(['I', 'Z I']);
});

test('a transaction holds the engine from its first write to its end', async () => {
  const { engine, client } = start();
  expect(await client.query('BEGIN; SELECT 1')).toContain('Z T');
  expect(engine.log).toEqual(['auto: SELECT 1']);
  await client.query('INSERT 2; SELECT 3');
  expect(await client.query('COMMIT')).toEqual(['C COMMIT', 'Z I']);
  expect(engine.log.slice(1)).toEqual([
    ...['begin', 'held: INSERT 2', 'held: SELECT 3', 'held: COMMIT', 'release'],
  ]);
});

test('a failed transaction takes nothing but its end, and rolls back', async () => {
  const { engine, client } = start();
  expect(await client.query('BEGIN; INSERT 1; fail; INSERT 2')).toEqual([
    ...['C BEGIN', 'T', 'D INSERT 1#0', 'C SELECT 1', 'E 22012 it failed', 'Z E'],
  ]);
  expect((await client.query('SELECT 1'))[0]).toMatch(/^E 25P02/);
  expect((await client.query('SHOW VIEWS'))[0]).toMatch(/^E 25P02/);
  expect(await client.query('COMMIT')).toEqual(['C ROLLBACK', 'Z I']);
  expect(engine.log.at(-1)).toBe('release');
});

test('an idle transaction that holds the engine is ended', async () => {
  const { engine, client } = start({ idleTransactionMs: 20 });
  await client.query('BEGIN');
  await client.query('INSERT 1');
  expect((await client.until('E'))[0]).toMatch(/^E 25P03/);
  await client.over;
  expect(engine.log.at(-1)).toBe('release');
});

test('so is one that stops in the middle of a COPY', async () => {
  const { engine, client } = start({ idleTransactionMs: 20 });
  client.send(query('BEGIN; INSERT 1; COPY t FROM STDIN'));
  expect((await client.until('E')).at(-1)).toMatch(/^E 25P03/);
  await client.over;
  expect(engine.log.at(-1)).toBe('release');
});

test('after an error the extended protocol skips to Sync', async () => {
  const { client } = start();
  client.send(parse('', 'fail'), bind('', ''), execute(''), parse('x', 'SELECT 1'), SYNC);
  expect(await client.until('Z')).toEqual(['E 22012 it failed', 'Z I']);
  client.send(parse('', 'SAVEPOINT x'), bind('', ''), execute(''), FLUSH);
  expect((await client.until('E'))[0]).toMatch(/^E 0A000/);
  client.send(bind('', 'x'), SYNC);
  expect(await client.until('Z')).toEqual(['Z I']);
  client.send(bind('', 'x'), SYNC);
  expect((await client.until('Z'))[0]).toMatch(/^E 26000/);
});

test('a batch of extended messages is one unit, and named statements are sent again', async () => {
  const { engine, client } = start();
  client.send(parse('s', 'INSERT 1'), bind('', 's'), describePortal(''), execute(''));
  client.send(bind('', 's'), execute(''), SYNC);
  expect(await client.until('Z')).toEqual([
    ...['1', '2', 'T', 'D INSERT 1#0', 'C SELECT 1', '2', 'D INSERT 1#0', 'C SELECT 1', 'Z I'],
  ]);
  client.send(bind('', 's'), execute(''), SYNC);
  expect(await client.until('Z')).toEqual(['2', 'D INSERT 1#0', 'C SELECT 1', 'Z I']);
  expect(engine.log).toEqual(['auto: INSERT 1; INSERT 1', 'auto: INSERT 1']);
});

test('rows beyond max_rows wait in the session, not in the engine', async () => {
  const { engine, client } = start();
  client.send(parse('', 'rows 5'), bind('c', ''), describePortal('c'), FLUSH);
  await client.until('T');
  client.send(execute('c', 2), FLUSH);
  expect(await client.until('s')).toEqual(['D rows 5#0', 'D rows 5#1', 's']);
  client.send(execute('c', 2), FLUSH);
  expect(await client.until('s')).toEqual(['D rows 5#2', 'D rows 5#3', 's']);
  client.send(execute('c', 2), closePortal('c'), SYNC);
  expect(await client.until('Z')).toEqual(['D rows 5#4', 'C SELECT 1', '3', 'Z I']);
  expect(engine.log.filter((line) => line.startsWith('held: rows'))).toHaveLength(1);
});

test('writes before a Flush are one transaction until Sync', async () => {
  const { engine, client } = start();
  client.send(parse('', 'INSERT 1'), bind('', ''), execute(''), FLUSH);
  await client.until('C');
  client.send(parse('', 'fail'), bind('', ''), execute(''), SYNC);
  expect(await client.until('Z')).toEqual(['E 22012 it failed', 'Z I']);
  expect(engine.log.slice(-2)).toEqual(['held: ROLLBACK', 'release']);
});

test('a direct subscription sends its rows as they come, until the client leaves', async () => {
  const { engine, client } = start();
  client.send(query('SUBSCRIBE v'));
  const subscription = await opened(engine);
  subscription.push(progress(1000), data(1000, 1, '1', null), progress(1001));
  expect(await client.until('D')).toEqual(['T', NOTICE, 'D 1000|1|1|-']);
  subscription.push(data(1002, -2, '1', 'x'), progress(1003));
  expect(await client.until('D')).toEqual(['D 1002|-2|1|x']);
  client.send(TERMINATE);
  await client.over;
  expect(subscription.closed).toBe(true);
});

test('a finite subscription ends with its tag', async () => {
  const { engine, client } = start();
  client.send(query('TAIL v WITH (PROGRESS)'));
  const subscription = await opened(engine);
  subscription.push(progress(1000), data(1000, 1, '1', 'a'));
  subscription.finish();
  expect((await client.until('Z')).slice(2)).toEqual([
    ...['D 1000|t|-|-|-', 'D 1000|f|1|1|a', 'C SELECT 2', 'Z I'],
  ]);
});

test('Execute(n) sends rows at once and ends when its portal is closed', async () => {
  const { engine, client } = start();
  await client.query('BEGIN');
  client.send(parse('', 'SUBSCRIBE v'), bind('c', ''), describePortal('c'), FLUSH);
  client.send(execute('c', 100), FLUSH);
  const subscription = await opened(engine);
  subscription.push(data(1000, 1, '1', 'a'));
  expect(await client.until('D')).toEqual(['1', '2', 'T', NOTICE, 'D 1000|1|1|a']);
  client.send(closePortal('c'), SYNC);
  expect(await client.until('Z')).toEqual(['s', '3', 'Z T']);
  expect(subscription.closed).toBe(true);
});

test('the Sync of an ordinary batch does not end a subscription', async () => {
  const { engine, client } = start();
  client.send(parse('', 'SUBSCRIBE v'), bind('', ''), describePortal(''), execute(''), SYNC);
  const subscription = await opened(engine);
  await client.until('N');
  subscription.push(data(1000, 1, '1', 'a'));
  expect(await client.until('D')).toEqual(['D 1000|1|1|a']);
  client.session.cancel();
  expect(await client.until('Z')).toEqual([
    'E 57014 canceling statement due to user request',
    'Z I',
  ]);
});

test('what fails during a stream is said', async () => {
  const { engine, client } = start();
  client.send(query('COPY (TAIL v) TO STDOUT'));
  const subscription = await opened(engine);
  subscription.push(data(1000, 1, '1', 'a\tb\n\\'), data(1000, 1, '2', null));
  expect(await client.until('d')).toEqual([
    'H',
    'd 1000\t1\t1\ta\\tb\\n\\\\\n',
    'd 1000\t1\t2\t\\N\n',
  ]);
  subscription.fail(new EngineError('42704', "relation 'materialize.public.v' was dropped"));
  expect(await client.until('Z')).toEqual([
    "E 42704 relation 'materialize.public.v' was dropped",
    'Z I',
  ]);
  expect(await client.query('SUBSCRIBE nosuch')).toEqual([
    "E XX000 unknown catalog item 'nosuch'",
    'Z I',
  ]);
});

test('FETCH waits as its TIMEOUT says', async () => {
  const { engine, client } = start();
  await client.query('BEGIN; DECLARE c CURSOR FOR SUBSCRIBE v');
  expect(engine.subscriptions).toHaveLength(0);
  expect(await client.query('FETCH 0 c')).toEqual(['T', 'C FETCH 0', 'Z T']);
  const subscription = await opened(engine);
  expect(await client.query("FETCH ALL c WITH (TIMEOUT '0s')")).toEqual(['T', 'C FETCH 0', 'Z T']);
  client.send(query('FETCH ALL c'));
  await client.until('T');
  subscription.push(data(1000, 1, '1', 'a'), data(1000, 1, '2', 'b'));
  expect(await client.until('Z')).toEqual(['D 1000|1|1|a', 'D 1000|1|2|b', 'C FETCH 2', 'Z T']);
  expect(await client.query("FETCH 5 c WITH (TIMEOUT = '20ms')")).toEqual([
    'T',
    'C FETCH 0',
    'Z T',
  ]);
  subscription.push(data(1001, 1, '3', 'a'), data(1001, 1, '4', 'b'));
  expect(await client.query("FETCH 1 c WITH (TIMEOUT = '1 hour')")).toContain('C FETCH 1');
  subscription.finish();
  expect(await client.query('FETCH 10 c')).toContain('C FETCH 1');
  expect(await client.query('FETCH 10 c')).toContain('C FETCH 0');
  expect(await client.query('CLOSE c')).toEqual(['C CLOSE CURSOR', 'Z T']);
  expect(subscription.closed).toBe(true);
  expect((await client.query('FETCH c'))[0]).toBe('E 34000 cursor "c" does not exist');
});

test('cursors need a transaction and end with it', async () => {
  const { engine, client } = start();
  expect((await client.query('DECLARE c CURSOR FOR SELECT 1'))[0]).toMatch(/^E 25P01/);
  await client.query('BEGIN; DECLARE c CURSOR FOR rows 3'.replace('rows', 'SELECT rows'));
  expect(await client.query('FETCH 2 c')).toContain('D SELECT rows 3#1');
  expect(await client.query('FETCH ALL FROM c')).toContain('C FETCH 1');
  expect((await client.query('DECLARE c CURSOR FOR TAIL v'))[0]).toMatch(/^E 42P03/);
  await client.query('ROLLBACK');
  expect((await client.query('FETCH c'))[0]).toMatch(/^E 34000/);
  expect(engine.log).toEqual(['auto: SELECT rows 3']);
});

test('ENVELOPE UPSERT says one thing for each key and time', async () => {
  const { engine, client } = start();
  client.send(query('SUBSCRIBE v ENVELOPE UPSERT (KEY (k)) WITH (PROGRESS)'));
  const subscription = await opened(engine);
  subscription.push(progress(1), data(1, 1, '1', 'a'), data(1, 1, '2', 'b'), progress(2));
  subscription.push(data(3, 1, '1', 'c'), data(3, -1, '1', 'a'), data(3, -1, '2', 'b'));
  subscription.push(data(3, 2, '3', 'd'), progress(4));
  subscription.finish();
  const rows = (await client.until('Z')).filter((message) => message.startsWith('D'));
  expect(rows).toEqual([
    'D 1|t|-|-|-',
    ...['D 1|f|upsert|1|a', 'D 1|f|upsert|2|b', 'D 2|t|-|-|-'],
    ...['D 3|f|upsert|1|c', 'D 3|f|delete|2|-', 'D 3|f|key_violation|3|-', 'D 4|t|-|-|-'],
  ]);
});

test('a client that does not read makes the session stop taking', async () => {
  const { engine, client } = start();
  client.stalled = true;
  client.send(query('SUBSCRIBE v'));
  const subscription = await opened(engine);
  for (let n = 0; n < 5000; n++) subscription.push(data(1000 + n, 1, '1', 'a'));
  await client.until('D');
  expect(subscription.take(10_000).length).toBe(4000);
  client.go();
  client.session.cancel();
  expect(await client.until('Z')).toContain('E 57014 canceling statement due to user request');
});

test('COPY FROM STDIN reaches the engine in one piece, and a COPY that fails does not', async () => {
  const { engine, client } = start();
  client.send(query('COPY t FROM STDIN'));
  expect(await client.until('G')).toEqual(['G']);
  client.send(frame('d', Buffer.from('1\n')), frame('d', Buffer.from('2\n')), frame('c'));
  expect(await client.until('Z')).toContain('Z I');
  expect(engine.log.at(-1)).toBe('auto: COPY t FROM STDIN');
  client.send(query('COPY t FROM STDIN'), frame('d', Buffer.from('1\n')), frame('f', text('no')));
  expect(await client.until('Z')).toContain('E 57014 COPY from stdin failed: no');
  expect(engine.log).toHaveLength(3);
});

test('settings are per session, roll back, and only what PostgreSQL knows goes to it', async () => {
  const { engine, client } = start();
  expect(await client.query('SET cluster = other; SHOW cluster')).toEqual([
    ...['S', 'C SET', 'T', 'D other', 'C SELECT 1', 'Z I'],
  ]);
  expect(engine.log).toEqual([]);
  await client.query("BEGIN; SET TIME ZONE 'Asia/Tokyo'; ROLLBACK; SET datestyle TO german");
  client.send(query('SUBSCRIBE v'));
  const subscription = await opened(engine);
  expect([...subscription.settings]).toEqual([['datestyle', 'german']]);
});

test('definitions go to the catalogue, but not while the session holds the engine', async () => {
  const { engine, client } = start();
  expect(
    await client.query('CREATE MATERIALIZED VIEW w AS SELECT 1; DROP VIEW IF EXISTS w'),
  ).toEqual([
    ...['N 01000 re-evaluated: it is a fake', 'C CREATE MATERIALIZED VIEW', 'C DROP VIEW', 'Z I'],
  ]);
  expect(engine.views).toEqual(['w']);
  expect(await client.query('BEGIN; INSERT 1; CREATE VIEW x AS SELECT 1')).toContain(
    'E 25001 CREATE VIEW cannot run in a transaction that has written',
  );
  expect(await client.query('ROLLBACK; SHOW OBJECTS')).toContain('D t|table||');
  expect(await client.query('SHOW VIEWS')).toContain(
    'D v||re-evaluated, not incrementally maintained: it is a fake',
  );
});

test('parameters of a subscription are written into it', async () => {
  const { engine, client } = start();
  client.send(parse('', 'SUBSCRIBE (SELECT * FROM v WHERE v = $1)'), bind('', '', ["it's"]));
  client.send(execute(''), SYNC);
  const subscription = await opened(engine);
  expect(subscription.request.from).toEqual({ query: "SELECT * FROM v WHERE v = 'it''s'" });
});

test('a bug of the engine is XX000 to the client and told to the log', async () => {
  const { engine, client } = start();
  engine.now = () => Promise.reject(new TypeError('oops'));
  expect(await client.query('SELECT mz_now()')).toEqual(['E XX000 the engine failed: oops', 'Z I']);
  expect(client.bugs).toHaveLength(1);
  await client.leave();
});

test('the older line is posed as: its version and settings, its keyword, no error before Sync', async () => {
  const { engine, client } = start({ line: 'tail' });
  expect(client.session.settings.reported().map(([name]) => name)).toEqual([
    ...['application_name', 'client_encoding', 'DateStyle', 'integer_datetimes'],
    ...['server_version', 'standard_conforming_strings'],
  ]);
  expect(client.session.context.functions.version).toBe('v0.26.1 (viewcast)');
  for (const sql of ['SUBSCRIBE v', 'COPY (SUBSCRIBE v) TO STDOUT', 'TAIL v UP TO 7']) {
    expect((await client.query(sql))[0], sql).toMatch(/^E 42601/);
  }
  expect((await client.query('SELECT mz_now()'))[0]).toMatch(/^E 42883/);
  client.send(parse('', 'TAIL nosuch'), bind('p', ''), describePortal('p'), FLUSH);
  client.send(SYNC);
  const answer = await client.until('Z');
  expect(answer).toEqual(['1', '2', "E XX000 unknown catalog item 'nosuch'", 'Z I']);
  expect(engine.subscriptions).toEqual([]);
});

test('the older line withholds an error that only a Flush follows', async () => {
  const { client } = start({ line: 'tail' });
  client.send(parse('', 'TAIL nosuch'), bind('p', ''), describePortal('p'), FLUSH);
  await client.until('2');
  client.send(FLUSH);
  await new Promise((resolve) => setImmediate(resolve));
  expect(client.received).toEqual([]);
  client.send(SYNC);
  expect((await client.until('Z'))[0]).toMatch(/^E XX000/);
});

test('on the older line a stream whose view is dropped says nothing more', async () => {
  const { engine, client } = start({ line: 'tail' });
  client.send(query('TAIL v WITH (PROGRESS)'));
  const subscription = await opened(engine);
  subscription.push(progress(5));
  await client.until('D');
  subscription.fail(new EngineError('42704', "relation 'materialize.public.v' was dropped"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(client.received).toEqual([]);
  client.session.cancel();
  expect((await client.until('Z'))[0]).toMatch(/^E 57014/);
});
