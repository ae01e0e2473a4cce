import { afterEach, expect, test } from 'vitest';
import type { ClientMessage } from '../protocol/message.ts';
import type { AccessOptions } from './access.ts';
import { defaultAdmissionLimits } from './admission.ts';
import { Authorizer } from './auth/authorizer.ts';
import { secretKeys } from './auth/keys.ts';
import { sign } from './auth/token-fixture.ts';
import { type FakeView, FakeViews } from './channel/fake-view.ts';
import type { Serving } from './serve-options.ts';
import { serveViews } from './serve-views.ts';
import { SessionClient } from './session-client.ts';
import { exchange, until, viewWebSocket } from './stream-client.ts';
import { FakeSink } from './submit/fake-sink.ts';
import { NOTE_COLUMNS, NOTES } from './topic-fixture.ts';
import { ManualClock } from './upstream/manual-clock.ts';

const secret = Buffer.alloc(32, 1);
const NOW_MS = 1_700_000_000_000;
const closers: (() => void)[] = [];
let serving: Serving | null = null;

afterEach(() => {
  for (const close of closers.splice(0)) close();
  serving?.close();
  serving = null;
});

interface Stand {
  readonly counter: FakeView;
  readonly edits: FakeView;
  readonly port: number;
  readonly http: string;
  readonly ws: string;
  readonly sink: FakeSink;
}

function stand(access: AccessOptions): Stand {
  const views = new FakeViews();
  const sink = new FakeSink();
  views.add('notes', NOTE_COLUMNS).reset('epoch3', 100, new Map());
  const counter = views.add('counter');
  const edits = views.add('useredits');
  counter.reset('epoch1', 100, new Map([['["all",7]', 1]]));
  edits.reset(
    'epoch2',
    100,
    new Map([
      ['["X",1]', 1],
      ['["Y",2]', 1],
    ]),
  );
  serving = serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web: 'nowhere',
    origins: ['https://friend.example'],
    trustedProxies: [],
    connectionsPerAddress: 50,
    access,
    messages: { topics: { get: () => NOTES, names: () => ['notes'] }, sink, perSecond: 50 },
    failed: (path, error) => {
      throw new Error(`${path} failed`, { cause: error });
    },
  });
  const { port } = serving;
  return {
    sink,
    counter,
    edits,
    port,
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
  };
}

/** A stand with tokens on and a clock that the test moves. */
function guarded(querySeconds = 0) {
  const clock = new ManualClock(NOW_MS);
  const verifier = new Authorizer(
    { keys: secretKeys(secret), issuer: null, audience: null, claim: 'viewcast' },
    clock,
  );
  const access = { verifier, querySeconds, clock };
  return { clock, ...stand(access) };
}

const token = (viewcast: object, seconds = 60): Promise<string> =>
  sign({ viewcast, exp: NOW_MS / 1_000 + seconds }, secret, { alg: 'HS256' });
const bearer = async (viewcast: object, seconds?: number) => ({
  Authorization: `Bearer ${await token(viewcast, seconds)}`,
});

function session(ws: string, first: readonly ClientMessage[] = []): SessionClient {
  const one = new SessionClient(ws, first);
  closers.push(() => one.socket.terminate());
  return one;
}

function viewer(url: string, headers: Readonly<Record<string, string>> = {}) {
  const one = viewWebSocket(url, headers);
  closers.push(() => one.socket.terminate());
  return one;
}

const get = (port: number, path: string, headers: Readonly<Record<string, string>> = {}) => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const one = exchange(port, [`GET ${path} HTTP/1.1`, 'Host: x', ...lines].join('\r\n'));
  closers.push(one.end);
  return one;
};

const subscribe = (id: string, view: string, where?: Readonly<Record<string, string>>) => ({
  type: 'subscribe' as const,
  id,
  views: [where === undefined ? { view } : { view, where }],
});

async function gauge(http: string, line: string): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text();
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length));
}

test('with tokens on, what is below /api/ wants one and the rest does not', async () => {
  const { http } = guarded();
  for (const path of ['/livez', '/readyz', '/metrics', '/']) {
    expect((await fetch(http + path)).status, path).toBe(200);
  }
  for (const path of ['/api/views', '/api/views/counter', '/api/stream/counter', '/api/nothing']) {
    const none = await fetch(http + path);
    expect([path, none.status]).toEqual([path, 401]);
    expect(none.headers.get('www-authenticate')).toContain('Bearer');
    const bad = await fetch(http + path, { headers: { Authorization: 'Bearer x.y.z' } });
    expect([path, bad.status]).toEqual([path, 401]);
  }
});

test('a token shows its views and nothing of the others, not even their names', async () => {
  const { http } = guarded();
  const headers = await bearer({ views: ['counter', 'missing'] });
  const ask = async (path: string) => {
    const response = await fetch(http + path, { headers });
    return { status: response.status, text: await response.text() };
  };
  const list = await ask('/api/views');
  expect(list.text).toContain('counter');
  expect(list.text).not.toContain('useredits');
  expect((await ask('/api/views/counter')).status).toBe(200);
  for (const path of ['/api/views', '/api/stream']) {
    expect((await ask(`${path}/useredits`)).status).toBe(403);
    expect((await ask(`${path}/other`)).status).toBe(403);
    const missing = await ask(`${path}/missing`);
    expect(missing.status).toBe(404);
    expect(missing.text).not.toContain('useredits');
  }
});

test('a view whose rows are forced is closed to interfaces without filters', async () => {
  const { http, ws } = guarded();
  const headers = await bearer({ views: '*', where: { useredits: { user: 'X' } } });
  for (const path of ['/api/views/useredits', '/api/stream/useredits']) {
    expect((await fetch(http + path, { headers })).status).toBe(403);
  }
  const list = await (await fetch(`${http}/api/views`, { headers })).text();
  expect(list).not.toContain('useredits');
  const socket = viewer(`${ws}/api/stream/useredits`, headers);
  await until('the refusal', () => socket.closed() !== null);
  expect(socket.fold.messages).toEqual([]);
});

test('a listed page is told beforehand that it may send a token, and can read why it is refused', async () => {
  const { http } = guarded();
  const ask = (path: string, method: string, origin: string) =>
    fetch(http + path, { method, headers: { Origin: origin } });
  for (const path of ['/api/views', '/api/stream/counter']) {
    const before = await ask(path, 'OPTIONS', 'https://friend.example');
    expect([path, before.status]).toEqual([path, 204]);
    expect(before.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(before.headers.get('access-control-allow-origin')).toBe('https://friend.example');
    const refused = await ask(path, 'GET', 'https://friend.example');
    expect([path, refused.status]).toEqual([path, 401]);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://friend.example');
    const other = await ask(path, 'OPTIONS', 'https://other.example');
    expect([403, 405]).toContain(other.status);
    expect(other.headers.get('access-control-allow-origin')).toBe(null);
  }
});

test('streams with a token in the header or, where that is allowed, in the address', async () => {
  const { port, ws } = guarded(300);
  const headers = await bearer({ views: ['counter'] });
  const socket = viewer(`${ws}/api/stream/counter`, headers);
  const events = get(port, '/api/stream/counter', { ...headers, Accept: 'text/event-stream' });
  const query = `access_token=${await token({ views: ['counter'] })}`;
  const other = viewer(`${ws}/api/stream/counter?${query}`);
  const lines = get(port, `/api/stream/counter?${query}`);
  await until('the snapshots', () =>
    [socket.fold, other.fold].every(({ messages }) => messages.length === 1),
  );
  await until('the texts', () => [events, lines].every(({ text }) => text().includes('"all"')));
  const long = await token({ views: ['counter'] }, 3_600);
  const refused = get(port, `/api/stream/counter?access_token=${long}`);
  await until('the refusal', () => refused.text().includes(' 401 '));
});

test('a token in the address is nothing where that is not allowed', async () => {
  const { http } = guarded();
  const query = `access_token=${await token({ views: ['counter'] })}`;
  expect((await fetch(`${http}/api/views/counter?${query}`)).status).toBe(401);
});

test('a session: nothing before the token, then its views and rows only', async () => {
  const { ws, edits } = guarded();
  const early = session(ws, [subscribe('a', 'counter')]);
  await until('the refusal', () => early.all('error').length === 1);
  expect(early.heard).toMatchObject([
    { type: 'hello', auth: 'required' },
    { type: 'error', id: 'a', code: 'forbidden' },
  ]);
  const rights = { views: ['useredits'], where: { useredits: { user: 'X' } } };
  const one = session(ws, [
    { type: 'auth', token: await token(rights) },
    subscribe('mine', 'useredits'),
    subscribe('theirs', 'useredits', { user: 'Y' }),
    subscribe('other', 'counter'),
  ]);
  await until('the answers', () => one.all('error').length === 2 && one.all('batch').length === 1);
  expect(one.heard.map(({ type }) => type).slice(0, 2)).toEqual(['hello', 'authorized']);
  expect(one.all('authorized')).toEqual([{ type: 'authorized', expiresInMs: 60_000 }]);
  expect(one.all('error')).toMatchObject([
    { id: 'theirs', code: 'forbidden' },
    { id: 'other', code: 'forbidden' },
  ]);
  edits.batch(
    101,
    new Map([
      ['["X",1]', -1],
      ['["X",5]', 1],
      ['["Y",2]', -1],
      ['["Y",3]', 1],
    ]),
  );
  await until('the change', () => one.all('batch').length === 2);
  expect(one.rows('useredits')).toEqual(['["X",5]']);
  expect(JSON.stringify(one.heard)).not.toContain('"Y"');
});

test('a narrower token ends what it does not allow, and leaves the rest alone', async () => {
  const { ws, counter, edits } = guarded();
  const one = session(ws, [
    { type: 'auth', token: await token({ views: '*' }) },
    subscribe('c', 'counter'),
    subscribe('e', 'useredits'),
  ]);
  await until('both', () => one.all('batch').length === 2);
  one.say({ type: 'auth', token: await token({ views: ['counter'] }) });
  await until('the end of one', () => one.all('error').length === 1);
  expect(one.all('error')).toMatchObject([{ id: 'e', code: 'forbidden' }]);
  edits.batch(101, new Map([['["Z",9]', 1]]));
  counter.batch(101, new Map([['["all",8]', 1]]));
  await until('the change of the other', () => one.rows('counter').includes('["all",8]'));
  expect(one.rows('useredits')).not.toContain('["Z",9]');
  expect(one.closed).toBe(null);
});

test('no token within 5 s: 4004; one that does not hold: 4003', async () => {
  const { ws, clock } = guarded();
  const silent = session(ws);
  const wrong = session(ws, [{ type: 'auth', token: 'x.y.z' }]);
  await until('the refusal', () => wrong.closed !== null);
  expect(wrong.closed).toEqual({ code: 4003, reason: 'auth_expired' });
  expect(wrong.all('error')).toMatchObject([
    { code: 'forbidden', message: 'expected a signed JWT' },
  ]);
  await until('hello', () => silent.heard.length === 1);
  expect(silent.closed).toBe(null);
  await clock.pass(5_000);
  await until('the close', () => silent.closed !== null);
  expect(silent.closed).toMatchObject({ code: 4004 });
});

test('F15: tokens that expire mid-stream end every kind of connection, no data after', async () => {
  const { ws, port, clock, counter } = guarded();
  const headers = await bearer({ views: '*' });
  const one = session(ws, [
    { type: 'auth', token: await token({ views: '*' }) },
    subscribe('c', 'counter'),
  ]);
  const kept = session(ws, [
    { type: 'auth', token: await token({ views: '*' }) },
    subscribe('c', 'counter'),
  ]);
  const socket = viewer(`${ws}/api/stream/counter`, headers);
  const lines = get(port, '/api/stream/counter', headers);
  const events = get(port, '/api/stream/counter', { ...headers, Accept: 'text/event-stream' });
  await until('all begin', () => kept.all('batch').length > 0 && one.all('batch').length > 0);
  await until('streams too', () => socket.fold.messages.length > 0 && lines.text().includes('all'));
  await until('and events', () => events.text().includes('all'));
  kept.say({ type: 'auth', token: await token({ views: '*' }, 3_600) });
  await until('the refresh', () => kept.all('authorized').length === 2);
  await clock.pass(60_000 + 25_000);
  await until('the ends', () => one.closed !== null && socket.closed() !== null);
  await until('of HTTP', () => [lines, events].every(({ text }) => text().endsWith('0\r\n\r\n')));
  expect([one.closed?.code, socket.closed()?.code]).toEqual([4003, 4003]);
  counter.batch(101, new Map([['["secret",1]', 1]]));
  await until('the change', () => kept.rows('counter').includes('["secret",1]'));
  const gone = [JSON.stringify(one.heard), socket.fold.messages, lines.text(), events.text()];
  expect(JSON.stringify(gone)).not.toContain('secret');
  expect((await fetch(`http://127.0.0.1:${port}/api/views`, { headers })).status).toBe(401);
});

test('F16: connections that go while their token is verified leave nothing', async () => {
  const clock = new ManualClock(NOW_MS);
  const pending: (() => void)[] = [];
  const real = new Authorizer(
    { keys: secretKeys(secret), issuer: null, audience: null, claim: 'viewcast' },
    clock,
  );
  const verifier = {
    verify: async (text: string) => {
      await new Promise<void>((resolve) => pending.push(resolve));
      return real.verify(text);
    },
  };
  const { port, ws, http } = stand({ verifier, clock });
  const good = await token({ views: '*' });
  const upgrade = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ];
  const heads = [[], ['Accept: text/event-stream'], upgrade].map((more) =>
    ['GET /api/stream/counter HTTP/1.1', 'Host: x', `Authorization: Bearer ${good}`, ...more].join(
      '\r\n',
    ),
  );
  for (let round = 1; round <= 5; round++) {
    const open = heads.flatMap((head) => Array.from({ length: 20 }, () => exchange(port, head)));
    const sessions = Array.from({ length: 20 }, () =>
      session(ws, [{ type: 'auth', token: good }, subscribe('c', 'counter')]),
    );
    await until('all wait', () => pending.length === 80);
    const half = (_: unknown, at: number) => at % 2 === 0;
    for (const resolve of pending.splice(0).filter(half)) resolve();
    for (const { end } of open) end();
    for (const { socket } of sessions) socket.terminate();
    // Several turns later the server knows that they are gone, and then comes the verdict.
    for (let turn = 0; turn < 3; turn++) await fetch(`${http}/livez`);
    for (const resolve of pending.splice(0)) resolve();
    await untilAsync('none is left', async () => {
      const kinds = ['session', 'websocket', 'sse', 'http'];
      const counts = kinds.map((kind) => gauge(http, `viewcast_connections{kind="${kind}"}`));
      const viewers = gauge(http, 'viewcast_viewers{view="counter"}');
      return (await Promise.all([...counts, viewers])).every((many) => many === 0);
    });
    expect(clock.waiting).toBe(0);
  }
  const after = get(port, '/api/stream/counter', { Authorization: `Bearer ${good}` });
  await until('one more', () => pending.length === 1);
  pending.splice(0)[0]?.();
  await until('its rows', () => after.text().includes('all'));
});

async function untilAsync(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('F8: a storm is let in at the pace of the gate, and who is refused is told when', async () => {
  const limits = {
    ...defaultAdmissionLimits,
    handshakesPerSecond: 200,
    waiting: 60,
    patienceMs: 60_000,
  };
  const { ws, http, counter } = stand({ limits });
  const sessions = Array.from({ length: 200 }, () => session(ws, [subscribe('c', 'counter')]));
  await until('all are answered', () =>
    sessions.every(({ status, heard }) => status !== null || heard.length > 2),
  );
  const refused = sessions.filter(({ status }) => status !== null);
  expect(refused.every(({ status }) => status === 503)).toBe(true);
  expect(await gauge(http, 'viewcast_gate_refusals_total{gate="handshakes"}')).toBe(refused.length);
  const served = sessions.filter(({ status }) => status === null);
  expect(served.length).toBeGreaterThanOrEqual(100);
  counter.batch(101, new Map([['["more",1]', 1]]));
  await until('all in have the change', () =>
    served.every((one) => one.rows('counter').includes('["more",1]')),
  );
  expect(counter.watchers).toBeLessThan(5);
});

test('F8: no 503 without Retry-After, for streams as for sessions', async () => {
  const limits = { ...defaultAdmissionLimits, handshakesPerSecond: 2, waiting: 0 };
  const { http, ws } = stand({ limits });
  expect((await fetch(`${http}/api/stream/counter`, { method: 'HEAD' })).status).toBe(200);
  const late = await fetch(`${http}/api/stream/counter`);
  expect(late.status).toBe(503);
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const body = (await late.json()) as { error: string; retryMs: number };
  expect(body.error).toBe('overloaded');
  expect(body.retryMs).toBeLessThanOrEqual(10_000);
  const one = session(ws);
  await until('the refusal', () => one.status !== null);
  expect(one.status).toBe(503);
});

test('F8: a reader that stops keeps its place for a while only, and returning ones have their own', async () => {
  const clock = new ManualClock(NOW_MS);
  const limits = { ...defaultAdmissionLimits, snapshots: 1, patienceMs: 1_000_000 };
  const { port, ws, counter } = stand({ limits, clock });
  const wide = (at: number) => JSON.stringify([`${at} ${'x'.repeat(4_000)}`, at]);
  counter.batch(101, new Map(Array.from({ length: 8_000 }, (_, at) => [wide(at), 1])));
  const slow = get(port, '/api/stream/counter');
  await until('it begins', () => slow.bytes() > 0);
  slow.pause();
  const waiting = session(ws, [subscribe('e', 'useredits')]);
  const returning = session(ws, [
    { ...subscribe('e', 'useredits'), from: { epoch: 'epoch2', timestamp: 100 } },
  ]);
  await until('hello', () => waiting.heard.length === 1 && returning.heard.length > 0);
  returning.socket.ping();
  await until('the returning one', () => returning.heard.length > 1);
  expect(waiting.heard.length).toBe(1);
  await clock.pass(limits.holdMs);
  await until('the one that waited', () => waiting.all('batch').length === 1);
});

test('F9: from the signal on nobody is let in, and all are told to go: 4001 and when to return', async () => {
  const { ws, http, port, counter } = stand({});
  const sessions = Array.from({ length: 30 }, () => session(ws, [subscribe('c', 'counter')]));
  const sockets = Array.from({ length: 15 }, () => viewer(`${ws}/api/stream/counter`));
  const events = Array.from({ length: 15 }, () =>
    get(port, '/api/stream/counter', { Accept: 'text/event-stream' }),
  );
  await until('all begin', () => sessions.every((one) => one.all('batch').length === 1));
  await until('sockets', () => sockets.every(({ fold }) => fold.messages.length === 1));
  await until('events', () => events.every(({ text }) => text().includes('all')));
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
  let done = false;
  serving?.drain(1_000, () => {
    done = true;
  });
  const ready = await fetch(`${http}/readyz`);
  expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1']);
  const late = await fetch(`${http}/api/stream/counter`);
  expect([late.status, Number(late.headers.get('retry-after')) > 0]).toEqual([503, true]);
  expect((await fetch(`${http}/api/views/counter`)).status).toBe(200);
  counter.batch(101, new Map([['["more",1]', 1]]));
  await until('all are gone', () => done);
  await until('all know', () =>
    [...sessions.map(({ closed }) => closed), ...sockets.map(({ closed }) => closed())].every(
      (closed) => closed !== null,
    ),
  );
  await until('events end', () => events.every(({ text }) => text().endsWith('0\r\n\r\n')));
  const codes = [...sessions.map(({ closed }) => closed), ...sockets.map((one) => one.closed())];
  for (const closed of codes) {
    expect(closed?.code).toBe(4001);
    expect(closed?.reason).toMatch(/^draining( retryMs=\d{1,4})?$/);
  }
});

test('messages go only to topics that the token names, over HTTP and in a session', async () => {
  const { http, ws, sink } = guarded();
  const post = (headers: Readonly<Record<string, string>>) =>
    fetch(`${http}/api/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ topic: 'notes', value: { text: 'hi' } }),
    });
  expect((await post({})).status).toBe(401);
  expect((await post(await bearer({ views: '*' }))).status).toBe(403);
  const waiting = post(await bearer({ submit: ['notes'] }));
  await until('it is written', () => sink.writes.length === 1);
  sink.writes[0]?.answer('written');
  expect((await waiting).status).toBe(202);
  const submit = (id: string) =>
    ({ type: 'submit', id, topic: 'notes', value: { text: 'hi' } }) as const;
  const [early, other, right] = [1, 2, 3].map(() => crypto.randomUUID());
  const one = session(ws, [submit(early ?? '')]);
  await until('refused', () => one.all('error').length === 1);
  one.say({ type: 'auth', token: await token({ submit: ['others'] }) });
  one.say(submit(other ?? ''));
  await until('refused again', () => one.all('error').length === 2);
  one.say({ type: 'auth', token: await token({ submit: '*' }) });
  await until('authorized', () => one.all('authorized').length === 2);
  one.say(submit(right ?? ''));
  await until('taken', () => sink.writes.length === 2);
  expect(one.all('error').map(({ id, code }) => [id, code])).toEqual([
    [early, 'forbidden'],
    [other, 'forbidden'],
  ]);
  expect(sink.writes[1]?.message.id).toBe(right);
});

test('the form page and its socket show their rows to those who may see them', async () => {
  const { http, ws } = guarded();
  const page = (headers: Readonly<Record<string, string>>, method = 'GET') =>
    fetch(`${http}/example/`, { method, headers }).then(({ status }) => status);
  expect(await page({})).toBe(401);
  const narrow = await bearer({ views: ['counter'], submit: ['example'] });
  expect([await page(narrow), await page(narrow, 'POST')]).toEqual([403, 403]);
  expect(await page(await bearer({ views: ['archive_newest'] }))).toBe(200);
  const refused = viewer(`${ws}/example/ws/`);
  await until('refused', () => refused.closed() !== null);
});
