import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from '../../client/client.ts';
import { hashOf } from '../../protocol/hash.ts';
import type { BatchMessage, ServerMessage } from '../../protocol/message.ts';
import { serverMessageSchema } from '../../protocol/schema.ts';
import type { Changes } from '../../protocol/update.ts';
import { FakeViews } from '../channel/fake-view.ts';
import type { ServeOptions } from '../serve-options.ts';
import { serveViews } from '../serve-views.ts';
import { until } from '../stream-client.ts';
import { FakeSink } from '../submit/fake-sink.ts';
import { NOTE_COLUMNS, NOTES } from '../topic-fixture.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

function serve(options: Partial<ServeOptions> = {}): { views: FakeViews; url: string } {
  const views = new FakeViews();
  const serving = serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web: 'nowhere',
    origins: [],
    trustedProxies: [],
    connectionsPerAddress: 50,
    failed: (path, error) => {
      throw new Error(`${path} failed`, { cause: error });
    },
    ...options,
  });
  closers.push(() => serving.close());
  return { views, url: `ws://127.0.0.1:${serving.port}/api/v1` };
}

interface Talk {
  readonly heard: ServerMessage[];
  readonly socket: WebSocket;
  say(message: unknown): void;
  closed(): number | null;
}

/** A raw connection, past its `hello`; every message is checked against the schemas. */
async function talk(url: string): Promise<Talk> {
  const heard: ServerMessage[] = [];
  let closed: number | null = null;
  const socket = new WebSocket(url);
  closers.push(() => socket.terminate());
  socket.on('message', (data) => heard.push(serverMessageSchema.parse(JSON.parse(String(data)))));
  socket.on('close', (code) => {
    closed = code;
  });
  await until('hello', () => heard.length === 1);
  expect(heard[0]).toMatchObject({ type: 'hello', protocol: 1, auth: 'none' });
  return {
    heard,
    socket,
    say: (message) => socket.send(JSON.stringify(message)),
    closed: () => closed,
  };
}

const one = (row: string, diff = 1): Changes => new Map([[row, diff]]);

test('subscribed comes first, then the snapshot, then each batch from where the last one ended', async () => {
  const { views, url } = serve();
  const view = views.add('top10');
  view.reset('e', 10, one('["a",1]'));
  const { heard, say } = await talk(url);
  say({ type: 'subscribe', id: 'x', views: [{ view: 'top10' }] });
  await until('the snapshot', () => heard.length === 3);
  for (let at = 11; at < 20; at++) view.batch(at, one(`["b",${at}]`));
  await until('the batches', () => {
    const last = heard.findLast((message) => message.type === 'batch');
    return last?.upper === 19;
  });
  expect(heard[1]).toEqual({
    type: 'subscribed',
    id: 'x',
    channel: expect.any(Number),
    epoch: 'e',
    columns: { top10: view.columns },
    resumed: 'snapshot',
  });
  const batches = heard.filter((message): message is BatchMessage => message.type === 'batch');
  expect(batches[0]).toMatchObject({ lower: null, upper: 10, changes: { top10: [[1, ['a', 1]]] } });
  for (const [at, batch] of batches.slice(1).entries()) {
    expect(batch.lower).toBe(batches[at]?.upper);
  }
});

test('what cannot be done is answered by its code, and the connection goes on', async () => {
  let nowMs = 0;
  const { views, url } = serve({ nowMs: () => nowMs });
  views.add('one').reset('e', 1, new Map());
  views.add('young');
  const { heard, say, closed } = await talk(url);
  const ask = async (message: object): Promise<string> => {
    const before = heard.length;
    say(message);
    await until('an answer', () => heard.length > before, 20_000);
    const answer = heard[before];
    return answer?.type === 'error' ? `${answer.code} ${answer.id}` : String(answer?.type);
  };
  const subscribe = (id: string, view: object) => ({ type: 'subscribe', id, views: [view] });
  expect(await ask(subscribe('a', { view: 'nope' }))).toBe('unknown_view a');
  expect(await ask(subscribe('a', { view: 'one', where: { nope: 1 } }))).toBe('unknown_column a');
  expect(await ask(subscribe('a', { view: 'one' }))).toBe('subscribed');
  say(subscribe('b', { view: 'one' }));
  await until('the refusal', () => heard.some((it) => it.type === 'error' && it.id === 'b'));
  expect(heard.at(-1)).toMatchObject({ code: 'duplicate', id: 'b' });
  expect(await ask({ type: 'submit', id: crypto.randomUUID(), topic: 't', value: 1 })).toContain(
    'unknown_topic',
  );
  expect(await ask({ type: 'auth', token: 'any' })).toBe('authorized');
  say({ type: 'ack', channel: 999, upper: 5 });
  say({ type: 'unsubscribe', id: 'never' });
  say(subscribe('c', { view: 'young' }));
  say({ type: 'auth', token: 'a barrier' });
  const authorized = () => heard.filter(({ type }) => type === 'authorized').length;
  await until('the barrier', () => authorized() === 2);
  nowMs += 5_000;
  await until('patience', () => heard.some((it) => it.type === 'error' && it.id === 'c'));
  const refusal = heard.find((it) => it.type === 'error' && it.id === 'c');
  expect(refusal).toMatchObject({ code: 'unavailable', retryMs: 1_000 });
  expect(closed()).toBeNull();
});

test('while the list of views is not known, a name is waited for and not refused for good', async () => {
  let nowMs = 0;
  const { views, url } = serve({ nowMs: () => nowMs });
  views.discovered = false;
  const { heard, say } = await talk(url);
  const barrier = async (): Promise<void> => {
    const before = heard.filter(({ type }) => type === 'authorized').length;
    say({ type: 'auth', token: 'a barrier' });
    await until('it', () => heard.filter(({ type }) => type === 'authorized').length > before);
  };
  say({ type: 'subscribe', id: 'a', views: [{ view: 'late' }] });
  await barrier();
  views.add('late').reset('e', 1, new Map());
  await until('its rows', () => heard.some((it) => it.type === 'subscribed' && it.id === 'a'));
  say({ type: 'subscribe', id: 'b', views: [{ view: 'later' }] });
  await barrier();
  nowMs += 5_000;
  const errors = () => heard.filter((it) => it.type === 'error');
  await until('patience', () => errors().length === 1);
  expect(errors()[0]).toMatchObject({ id: 'b', code: 'unavailable', retryMs: 1_000 });
  views.discovered = true;
  say({ type: 'subscribe', id: 'c', views: [{ view: 'later' }] });
  await until('the refusal', () => errors().length === 2);
  expect(errors()[1]).toMatchObject({ id: 'c', code: 'unknown_view' });
});

test('what breaks the protocol closes the connection with its code, and no other', async () => {
  const { views, url } = serve();
  const view = views.add('one');
  view.reset('e', 1, new Map());
  const neighbour = await talk(url);
  neighbour.say({ type: 'subscribe', id: 'n', views: [{ view: 'one' }] });
  const broken: readonly (readonly [number, string | Buffer])[] = [
    [4002, 'no json'],
    [4002, '[]'],
    [4002, '{"type":"dance"}'],
    [4002, '{"type":"subscribe","id":"x","views":[]}'],
    [4002, '{"type":"subscribe","id":"x","views":[{"view":"one","wehre":{}}]}'],
    [4002, `${'['.repeat(50)}${']'.repeat(50)}`],
    [4002, '{"type":"unsubscribe","id":"x","__proto__":{}}'],
    [4002, Buffer.from('{"type":"unsubscribe","id":"x"}')],
    [4009, `"${'x'.repeat(16_383)}"`],
  ];
  for (const [code, text] of broken) {
    const { socket, closed } = await talk(url);
    socket.send(text);
    await until(String(text).slice(0, 60), () => closed() !== null);
    expect([String(text).slice(0, 60), closed()]).toEqual([String(text).slice(0, 60), code]);
  }
  const chatty = await talk(url);
  for (let at = 0; at < 60; at++) chatty.say({ type: 'unsubscribe', id: 'x' });
  await until('the rate limit', () => chatty.closed() !== null);
  expect(chatty.closed()).toBe(4029);
  view.batch(2, one('["a",1]'));
  await until('the neighbour', () =>
    neighbour.heard.some((message) => message.type === 'batch' && message.upper === 2),
  );
  expect(neighbour.closed()).toBeNull();
});

test('a connection has 100 subscriptions at most', async () => {
  let nowMs = 0;
  const { views, url } = serve({ nowMs: () => nowMs });
  views.add('one').reset('e', 1, new Map());
  const { heard, say } = await talk(url);
  for (let at = 0; at < 101; at++) {
    const where = { user: `user ${at}` };
    say({ type: 'subscribe', id: String(at), views: [{ view: 'one', where }] });
    if (at % 30 !== 29) continue;
    const answered = () => heard.filter(({ type }) => type === 'subscribed').length === at + 1;
    await until('thirty more', answered);
    // What the rate limit allows in two seconds.
    nowMs += 2_000;
  }
  await until('the refusal', () => heard.some((message) => message.type === 'error'));
  expect(heard.find((message) => message.type === 'error')).toMatchObject({
    code: 'too_many_subscriptions',
    id: '100',
  });
});

test('an unsubscribed viewer hears no more of the channel, and its id is free', async () => {
  const { views, url } = serve();
  const view = views.add('one');
  view.reset('e', 1, new Map());
  const { heard, say } = await talk(url);
  const subscribe = { type: 'subscribe', id: 'x', views: [{ view: 'one' }] };
  say(subscribe);
  await until('the snapshot', () => heard.length === 3);
  say({ type: 'unsubscribe', id: 'x' });
  say({ type: 'auth', token: 'a barrier' });
  await until('the barrier', () => heard.at(-1)?.type === 'authorized');
  view.batch(2, one('["a",1]'));
  say({ type: 'auth', token: 'a barrier' });
  await until('the barrier', () => heard.length === 5);
  expect(heard.at(-1)?.type).toBe('authorized');
  say(subscribe);
  await until('the snapshot', () => heard.length === 7);
  expect(heard.at(-1)).toMatchObject({ type: 'batch', lower: null, upper: 2 });
});

test('parts are whole, in order and not interleaved; progress proves the rows by their hash', async () => {
  const { views, url } = serve();
  const view = views.add('one');
  const rows = new Map(Array.from({ length: 10_000 }, (_, at) => [`["row ${at}",${at}]`, 1]));
  view.reset('e', 1, rows);
  const { heard, say } = await talk(url);
  say({ type: 'subscribe', id: 'x', views: [{ view: 'one' }] });
  await until('the proof', () => heard.some(({ type }) => type === 'progress'));
  const batches = heard.filter((message): message is BatchMessage => message.type === 'batch');
  expect(batches.length).toBeGreaterThan(2);
  expect(batches.map(({ part }) => part)).toEqual(batches.map((_, at) => at));
  expect(batches.every(({ parts }) => parts === batches.length)).toBe(true);
  const got = batches.flatMap(({ changes }) => changes.one ?? []);
  expect(new Map(got.map(([diff, row]) => [JSON.stringify(row), diff]))).toEqual(rows);
  const proof = heard.find((message) => message.type === 'progress');
  expect(proof).toMatchObject({ upper: 1, hash: { one: hashOf(rows) } });
});

test('a viewer that has seen more than this server waits for it, and does not go back', async () => {
  const { views, url } = serve();
  const view = views.add('one');
  view.reset('e', 10, one('["a",1]'));
  const { heard, say } = await talk(url);
  const from = { epoch: 'e', timestamp: 15 };
  say({ type: 'subscribe', id: 'x', views: [{ view: 'one' }], from });
  say({ type: 'auth', token: 'a barrier' });
  await until('the barrier', () => heard.length === 2);
  view.batch(20, one('["a",2]'));
  await until('the batch', () => heard.some(({ type }) => type === 'batch'));
  expect(heard.find(({ type }) => type === 'batch')).toMatchObject({ lower: 15, upper: 20 });
});

test('the client follows groups and filters through losses of its connection and a new epoch', async () => {
  const { views, url } = serve();
  const [edits, best] = [views.add('edits'), views.add('best')];
  edits.reset('e', 1, one('["a",0]'));
  best.reset('f', 1, one('["a",0]'));
  const client = connect(url);
  closers.push(() => client.close());
  const both = client.subscribe(['edits', 'best']);
  const mine = client.subscribe('best', { where: { best: { user: 'a' } } });
  const rows = (subscription: typeof both, view: 'edits' | 'best') =>
    subscription
      .rows(view)
      .map((row) => JSON.stringify(row))
      .sort();
  await until('the rows', () => both.frontier === 1 && mine.frontier === 1);
  for (let at = 2; at < 50; at++) {
    edits.batch(
      at,
      new Map([
        [`["a",${at - 2}]`, -1],
        [`["a",${at - 1}]`, 1],
      ]),
    );
    best.batch(at, one(`["${at % 2 ? 'a' : 'b'}",${at}]`));
    if (at % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until('all of it', () => both.frontier === 49);
  expect(rows(both, 'edits')).toEqual([...edits.rows.keys()]);
  expect(rows(both, 'best')).toEqual([...best.rows.keys()].sort());
  const own = [...best.rows.keys()].filter((row) => row.startsWith('["a"')).sort();
  await until('mine', () => String(mine.rows('best').length) === String(own.length));
  expect(
    mine
      .rows('best')
      .map((row) => JSON.stringify(row))
      .sort(),
  ).toEqual(own);
  edits.reset('e2', 7, one('["new",1]'));
  await until('the new epoch', () => rows(both, 'edits').includes('["new",1]'));
  expect(rows(both, 'edits')).toEqual(['["new",1]']);
});

test('S5: archived comes after the batches of all that the sender watches, whatever their pace', async () => {
  const sink = new FakeSink();
  const topics = { get: () => NOTES, names: () => ['notes'] };
  const { views, url } = serve({ messages: { topics, sink, perSecond: 50 } });
  const notes = views.add('notes', NOTE_COLUMNS);
  const others = [views.add('one'), views.add('two')];
  for (const view of [notes, ...others]) view.reset('e', 10, new Map());
  const { heard, say } = await talk(url);
  say({ type: 'subscribe', id: 'a', views: [{ view: 'notes' }], everyMs: 300 });
  say({ type: 'subscribe', id: 'b', views: [{ view: 'one' }] });
  say({ type: 'subscribe', id: 'c', views: [{ view: 'two' }] });
  await until('the snapshots', () => heard.filter(({ type }) => type === 'batch').length === 3);
  const id = crypto.randomUUID();
  say({ type: 'submit', id, topic: 'notes', value: { text: 'hi' } });
  await until('it is written', () => sink.writes.length === 1);
  sink.writes[0]?.answer('written');
  await until('accepted', () => heard.some(({ type }) => type === 'accepted'));
  notes.batch(20, one(JSON.stringify(['other', 0, 'x', null])));
  notes.batch(30, one(JSON.stringify([id, 1, 'hi', null])));
  // A view that nothing happens to shows that by its frontier alone; the other one lets itself wait.
  others[0]?.batch(30, new Map());
  const shown = () =>
    heard.some((message) => message.type === 'batch' && (message.changes.notes ?? []).length > 1);
  say({ type: 'auth', token: 'a barrier' });
  await until('an answer', () => heard.some(({ type }) => type === 'authorized'));
  expect(heard.some(({ type }) => type === 'archived')).toBe(false);
  others[1]?.batch(31, one('["z",1]'));
  await until('archived', () => heard.some(({ type }) => type === 'archived'));
  expect(shown()).toBe(true);
  expect(heard.at(-1)).toEqual({ type: 'archived', id, timestamp: 30 });
  expect(heard.filter(({ type }) => type === 'accepted')).toEqual([{ type: 'accepted', id }]);
});

test('an id is either a subscription or a message', async () => {
  const sink = new FakeSink();
  const topics = { get: () => NOTES, names: () => ['notes'] };
  const { views, url } = serve({ messages: { topics, sink, perSecond: 50 } });
  views.add('notes', NOTE_COLUMNS).reset('e', 10, new Map());
  const { heard, say } = await talk(url);
  const id = crypto.randomUUID();
  const subscribe = { type: 'subscribe', id, views: [{ view: 'notes' }] };
  const submit = { type: 'submit', id, topic: 'notes', value: {} };
  const refused = (many: number) => () =>
    heard.filter((it) => it.type === 'error' && it.code === 'id_in_use').length === many;
  say(subscribe);
  say(submit);
  await until('refused', refused(1));
  say(submit);
  say(subscribe);
  await until('refused again', refused(2));
  say(subscribe);
  await until('free', () => heard.filter(({ type }) => type === 'subscribed').length === 2);
});
