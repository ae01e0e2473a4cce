import { expect, test } from 'vitest';
import { CLOSE } from '../protocol/close.ts';
import type { ClientMessage } from '../protocol/message.ts';
import { parseServerMessage } from '../protocol/server-message.ts';
import { batches } from './batches.ts';
import { connect } from './client.ts';
import type { FakeServer } from './fake-server.ts';
import { fakeWorld } from './fake-world.ts';
import type { LineState } from './line.ts';
import { Session } from './session.ts';
import { sorted } from './sorted.ts';
import { submit } from './submit.ts';

const row = (user: string, count: number) => JSON.stringify([user, count]);

/** What the client said of one kind on its last connection. */
const said = <T extends ClientMessage['type']>(server: FakeServer, type: T) =>
  server.heard().filter((message) => Object(message).type === type) as Extract<
    ClientMessage,
    { type: T }
  >[];

test('a subscription begins with a snapshot and follows every batch', () => {
  const { client, server, clock } = fakeWorld();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  const states: LineState[] = [];
  const seen: unknown[] = [];
  const top = client.subscribe('top', {
    onBatch: (batch) => seen.push(batch.changes('top')),
    onStatus: ({ state }) => states.push(state),
  });
  expect(top.status.state).toBe('waiting');
  clock.advance(10);
  server.move(1, { top: new Map([[row('b', 2), 2]]) });
  clock.advance(10);
  expect(seen).toEqual([[[1, ['a', 1]]], [[2, ['b', 2]]]]);
  expect(sorted(top, 'top', { by: 'count', descending: true })).toEqual([
    ['b', 2],
    ['b', 2],
    ['a', 1],
  ]);
  expect(top.columns('top').map(({ name }) => name)).toEqual(['user', 'count']);
  server.status('stale');
  clock.advance(10);
  server.status('live');
  clock.advance(10);
  expect(states).toEqual(['live', 'stale', 'live']);
});

test('after a loss the client resumes from what it holds, and its rows stay on show', () => {
  const { client, server, clock } = fakeWorld();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  const states: LineState[] = [];
  const top = client.subscribe('top', { onStatus: ({ state }) => states.push(state) });
  clock.advance(10);
  const held = top.frontier;
  server.cut();
  expect(top.rows('top')).toEqual([['a', 1]]);
  server.move(1, { top: new Map([[row('c', 3), 1]]) });
  clock.advance(1_000);
  expect(said(server, 'subscribe')).toMatchObject([{ from: { epoch: 'epoch1', timestamp: held } }]);
  expect(top.rows('top')).toEqual([
    ['a', 1],
    ['c', 3],
  ]);
  expect(states).toEqual(['live', 'resuming', 'live']);
});

test('C7: enough text is acknowledged at once, little after 5 s, quiet not at all', () => {
  const { client, server, clock } = fakeWorld();
  server.partRows = 1_000_000;
  const top = client.subscribe('top');
  clock.advance(4_000);
  expect(said(server, 'ack')).toEqual([]);
  clock.advance(2_000);
  expect(said(server, 'ack')).toEqual([{ type: 'ack', channel: 0, upper: top.frontier }]);
  server.prove(1);
  clock.advance(10_000);
  expect(said(server, 'ack')).toHaveLength(1);
  const many = Array.from({ length: 4_000 }, (_, n) => [row(`user ${n}`, n), 1] as const);
  server.move(1, { top: new Map(many) });
  clock.advance(2);
  expect(said(server, 'ack').at(-1)).toEqual({ type: 'ack', channel: 0, upper: server.time });
});

test('C7: nothing is acknowledged before it is applied', () => {
  const { client, server, clock } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  const held = top.frontier;
  server.partRows = 1;
  let part = 0;
  server.fault = (text) => (++part === 3 ? [] : [text]);
  server.move(1, {
    top: new Map(['a', 'b', 'c'].map((user) => [row(user.repeat(70_000), 1), 1] as const)),
  });
  clock.advance(2);
  clock.advance(6_000);
  for (const ack of said(server, 'ack')) expect(ack.upper).toBe(held);
});

test('equal subscriptions share one line, and the last one to leave ends it', async () => {
  const { client, server, clock } = fakeWorld();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  const first = client.subscribe('top');
  clock.advance(10);
  const seen: unknown[] = [];
  const second = client.subscribe('top', { onBatch: (batch) => seen.push(batch.changes('top')) });
  await Promise.resolve();
  expect(seen).toEqual([[[1, ['a', 1]]]]);
  expect(said(server, 'subscribe')).toHaveLength(1);
  first.close();
  expect(said(server, 'unsubscribe')).toEqual([]);
  second.close();
  expect(said(server, 'unsubscribe')).toEqual([{ type: 'unsubscribe', id: 's1' }]);
  server.move(1, {});
  clock.advance(10);
  expect(seen).toHaveLength(1);
});

test('a view that is not served is refused for good', () => {
  const { client, server, clock } = fakeWorld();
  const name: 'top' = JSON.parse('"nope"');
  const states: unknown[] = [];
  client.subscribe(name, { onStatus: ({ state, error }) => states.push([state, error?.code]) });
  clock.advance(60_000);
  expect(states).toEqual([['refused', 'unknown_view']]);
  expect(said(server, 'subscribe')).toHaveLength(1);
});

test('what may be asked again is, not before the server says so', () => {
  const { client, server, clock } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  const error = { type: 'error', id: 's1', code: 'overloaded', message: 'full' } as const;
  server.say({ ...error, retryMs: 3_000 });
  clock.advance(2_900);
  expect(top.status.state).toBe('resuming');
  expect(said(server, 'subscribe')).toHaveLength(1);
  clock.advance(200);
  expect(said(server, 'subscribe')).toHaveLength(2);
  expect(top.status.state).toBe('live');
});

test('F28: rows damaged in the page are replaced after the next proof of quiet', () => {
  const { client, server, clock } = fakeWorld();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  const top = client.subscribe('top');
  clock.advance(10);
  const [damaged] = top.rows('top');
  Object.assign(damaged ?? [], { 0: 'z' });
  expect(top.rows('top')).toEqual([['z', 1]]);
  server.prove(1);
  clock.advance(10);
  expect(top.rows('top')).toEqual([['a', 1]]);
  expect(said(server, 'subscribe').at(-1)).not.toHaveProperty('from');
});

test('a server that is silent for 40 s is left, unless nothing is awaited of it', () => {
  const { client, server, clock } = fakeWorld();
  clock.advance(200_000);
  expect(server.connections).toHaveLength(1);
  client.subscribe('top');
  clock.advance(30_000);
  expect(server.connections).toHaveLength(1);
  server.fault = () => [];
  clock.advance(45_000);
  expect(server.connections.length).toBeGreaterThan(1);
});

test('F15: a token is fetched before each attempt, renewed in band, and replaced when refused', async () => {
  let token = 'first';
  let fetched = 0;
  const world = fakeWorld({
    token: async () => {
      fetched += 1;
      return token;
    },
  });
  const { client, server, clock } = world;
  server.token = { value: 'first', expiresInMs: 10_000 };
  const top = client.subscribe('top');
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let n = 0; n < 4; n++) await Promise.resolve();
    clock.advance(10);
  };
  await pass(0);
  expect(said(server, 'auth')).toEqual([{ type: 'auth', token: 'first' }]);
  expect(top.status.state).toBe('live');
  await pass(8_000);
  expect(fetched).toBe(2);
  expect(said(server, 'auth')).toHaveLength(2);
  token = 'second';
  server.token = { value: 'second', expiresInMs: 10_000 };
  server.cut(CLOSE.authExpired);
  await pass(1_000);
  expect(said(server, 'auth')).toEqual([{ type: 'auth', token: 'second' }]);
  expect(top.status.state).toBe('live');
});

test('F9: a draining server is left for as long as it asks, and one that forbids it for good', () => {
  const { client, server, clock, wake } = fakeWorld();
  clock.advance(10);
  server.cut(CLOSE.draining, 5_000);
  wake();
  clock.advance(4_900);
  expect(server.connections).toHaveLength(1);
  clock.advance(200);
  expect(server.connections).toHaveLength(2);
  server.cut(CLOSE.badMessage);
  clock.advance(100_000);
  expect(server.connections).toHaveLength(2);
  expect(client.connection).toBe('closed');
  expect(() => client.subscribe('top')).toThrow('expected an open client');
});

test('C13: what the server says before it closes for good is what all are told', async () => {
  const told: unknown[] = [];
  const { client, server, clock } = fakeWorld({
    onConnection: (state, error) => told.push([state, error?.message]),
  });
  server.answering = false;
  const top = client.subscribe('top', {
    onStatus: ({ state, error }) => told.push([state, error?.message]),
  });
  const { accepted } = submit(client, 'example', 1);
  clock.advance(10);
  server.say({ type: 'error', code: 'bad_message', message: 'everyMs: expected int' });
  clock.advance(1);
  server.cut(CLOSE.badMessage);
  expect(told.slice(-2)).toEqual([
    ['closed', 'everyMs: expected int'],
    ['closed', 'everyMs: expected int'],
  ]);
  expect(client.error?.code).toBe('bad_message');
  expect(top.status).toMatchObject({ state: 'closed', error: client.error });
  await expect(accepted).rejects.toBe(client.error);
  await expect(batches(top).next()).rejects.toBe(client.error);
});

test('C13: a token that is refused, or that nobody gave, is told while it is tried again', async () => {
  let token = async () => 'rubbish';
  const told: unknown[] = [];
  const { client, server, clock } = fakeWorld({
    token: () => token(),
    onConnection: (state, error) => told.push([state, error?.message]),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let n = 0; n < 4; n++) await Promise.resolve();
    clock.advance(10);
  };
  server.token = { value: 'right', expiresInMs: 100_000 };
  const top = client.subscribe('top');
  await pass(0);
  expect(top.status).toMatchObject({ state: 'waiting', error: { message: 'the token expired' } });
  expect(told.at(-1)).toEqual(['waiting', 'the token expired']);
  token = () => {
    throw new Error('no way to the issuer');
  };
  await pass(10_000);
  expect(top.status.error?.message).toBe('token(): Error: no way to the issuer');
  expect(told.at(-1)).toEqual(['waiting', 'token(): Error: no way to the issuer']);
  token = async () => 'right';
  await pass(20_000);
  expect(top.status).toEqual({ state: 'live' });
  expect(client.error).toBeUndefined();
});

test('C12: a filter of a view that is not asked for is refused by itself', () => {
  const { client, clock } = fakeWorld();
  const top = client.subscribe('top');
  const where: object = { user: 'x' };
  expect(() => client.subscribe('top', { where })).toThrow(
    new TypeError('expected where by view, got {"user":"x"}'),
  );
  clock.advance(10);
  expect([client.connection, top.status.state]).toEqual(['open', 'live']);
});

test('an address of another protocol is refused, and nothing of it stays behind', () => {
  expect(() => connect('ftp://x')).toThrow(
    new TypeError('expected an http or ws URL, got "ftp://x"'),
  );
});

test('when the network is back, the connection is made anew at once', () => {
  const { client, server, clock, wake } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  wake('online');
  expect(client.connection).toBe('opening');
  clock.advance(10);
  expect(server.connections).toHaveLength(2);
  expect(said(server, 'subscribe')).toMatchObject([{ from: { epoch: 'epoch1' } }]);
  expect(top.status.state).toBe('live');
});

test('a wake ends the wait at once', () => {
  const { server, clock, wake } = fakeWorld({ random: () => 0.99 });
  clock.advance(10);
  server.reachable = false;
  server.cut();
  for (let n = 0; n < 6; n++) clock.advance(20_000);
  server.reachable = true;
  const attempts = server.connections.length;
  wake();
  clock.advance(2);
  expect(server.connections.length).toBeGreaterThanOrEqual(attempts);
  expect(server.connections.at(-1)?.open).toBe(true);
});

test.each([
  ['no JSON', 'nonsense'],
  ['no frontier', '{"type":"batch","channel":0,"lower":1000000,"changes":{}}'],
  ['no changes', '{"type":"batch","channel":0,"lower":1000000,"upper":1000001}'],
  ['no hashes', '{"type":"progress","channel":0,"upper":1000001}'],
])('what breaks the protocol is left, and tried again: %s', (_, text) => {
  const { client, server, clock } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  server.fault = () => [text];
  server.move(1, {});
  clock.advance(3);
  expect(client.connection).toBe('waiting');
  server.fault = (whole) => [whole];
  clock.advance(1_000);
  expect(top.status.state).toBe('live');
});

test('a program may have every field checked', () => {
  const { client, server, clock } = fakeWorld({ parse: parseServerMessage });
  client.subscribe('top');
  clock.advance(10);
  server.fault = () => ['{"type":"batch","channel":"0"}'];
  server.move(1, {});
  clock.advance(3);
  expect(client.connection).toBe('waiting');
});

test('what changes by no whole number is never applied', () => {
  const { client, server, clock } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  server.fault = (text) => [text.replace('[1,["a"', '["1",["a"')];
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  clock.advance(2);
  expect(top.rows('top')).toEqual([]);
  server.fault = (text) => [text];
  clock.advance(5_000);
  expect(top.rows('top')).toEqual([['a', 1]]);
});

test('closing ends timers, lines and messages on their way', async () => {
  const { client, server, clock } = fakeWorld();
  server.answering = false;
  const states: LineState[] = [];
  client.subscribe('top', { onStatus: ({ state }) => states.push(state) });
  const { archived } = submit(client, 'example', 1);
  clock.advance(10);
  client.close();
  await expect(archived).rejects.toThrow('the client was closed');
  expect(states.at(-1)).toBe('closed');
  expect(clock.pending).toBe(0);
  expect(server.connections.every(({ open }) => !open)).toBe(true);
});

test('a token that is valid for a year is renewed when timers can next hold it', () => {
  const waits: number[] = [];
  const session = new Session({
    send: () => {},
    after: (ms) => {
      waits.push(ms);
      return () => {};
    },
    random: () => 0,
    check: () => null,
    reauthorize: () => {},
  });
  session.receive({ type: 'authorized', expiresInMs: 365 * 86_400_000 }, 60);
  expect(waits).toEqual([2 ** 31 - 1]);
});
