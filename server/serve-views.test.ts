import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Changes } from '../protocol/update.ts';
import { type FakeView, FakeViews } from './channel/fake-view.ts';
import type { ServeOptions, Serving } from './serve-options.ts';
import { serveViews } from './serve-views.ts';
import { exchange, Fold, unchunk, until, viewWebSocket } from './stream-client.ts';

/** Holds `web`, the page's folder, and beside it a file that nobody may read. */
let folder = '';
let web = '';
let serving: Serving | null = null;
const closers: (() => void)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-web-'));
  web = join(folder, 'web');
  mkdirSync(join(web, 'assets'), { recursive: true });
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>viewcast</title>');
  writeFileSync(join(web, 'assets', 'main-Ab3dE6gh.js'), 'export {};\n'.repeat(50));
  writeFileSync(join(web, '.secret'), 'secret');
  writeFileSync(join(folder, 'outside.txt'), 'outside');
  symlinkSync(join(folder, 'outside.txt'), join(web, 'link.txt'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
  serving?.close();
  serving = null;
});

interface Stand {
  readonly views: FakeViews;
  readonly counter: FakeView;
  readonly port: number;
  readonly http: string;
  readonly ws: string;
}

function stand(options: Partial<ServeOptions> = {}): Stand {
  const views = new FakeViews();
  const counter = views.add('counter');
  serving = serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web,
    origins: ['https://friend.example'],
    trustedProxies: ['127.0.0.1'],
    connectionsPerAddress: 3,
    failed: (path, error) => {
      throw new Error(`${path} failed`, { cause: error });
    },
    ...options,
  });
  const { port } = serving;
  return { views, counter, port, http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}` };
}

const getJson = async (url: string): Promise<unknown> => (await fetch(url)).json();

const count = (from: number | null, to: number): Changes =>
  new Map<string, number>([...(from === null ? [] : [[`[${from}]`, -1] as const]), [`[${to}]`, 1]]);

function viewer(url: string, headers: Readonly<Record<string, string>> = {}) {
  const one = viewWebSocket(url, headers);
  closers.push(() => one.socket.terminate());
  return one;
}

function raw(port: number, head: string) {
  const one = exchange(port, head);
  closers.push(one.end);
  return one;
}

test('viewers who join while the view changes all hold it, at every frontier', async () => {
  const { counter, ws, http, port } = stand();
  counter.reset('epoch1', 100, count(null, 0));
  const sockets: ReturnType<typeof viewer>[] = [];
  const lines: ReturnType<typeof raw>[] = [];
  for (let at = 1; at <= 60; at++) {
    counter.batch(100 + at, count(at - 1, at));
    if (at % 3 === 0) sockets.push(viewer(`${ws}/api/${at % 2 ? '' : 'v1/'}stream/counter`));
    if (at % 10 === 0) lines.push(raw(port, 'GET /api/stream/counter HTTP/1.1\r\nHost: x'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const folds = () => [
    ...sockets.map(({ fold }) => fold),
    ...lines.map(({ text }) => {
      const fold = new Fold();
      for (const line of unchunk(text()).split('\n').slice(0, -1)) fold.take(line);
      return fold;
    }),
  ];
  await until('everybody joined', () => folds().every(({ messages }) => messages.length > 0));
  counter.batch(1_000, count(60, 61));
  await until('the last batch', () =>
    folds().every(({ messages }) => messages.at(-1)?.timestamp === 1_000),
  );
  for (const { messages, rows } of folds()) {
    expect(rows).toEqual(counter.rows);
    let held = messages[0]?.inserted[0]?.[0];
    for (const { deleted, inserted, timestamp } of messages.slice(1)) {
      expect(deleted).toEqual([[held]]);
      held = inserted[0]?.[0];
      expect(timestamp === 1_000 ? 61 : timestamp - 100).toBe(held);
    }
  }
  expect(await getJson(`${http}/api/views`)).toMatchObject({
    views: [{ name: 'counter', viewers: sockets.length + lines.length }],
  });
});

test('progress without changes sends nothing, a reset sends the difference, an empty view a first message', async () => {
  const { counter, ws } = stand();
  const { fold } = viewer(`${ws}/api/stream/counter`);
  await until('the viewer', () => serving !== null);
  counter.reset('epoch1', 5, new Map());
  await until('the first message', () => fold.messages.length === 1);
  expect(fold.messages[0]).toEqual({ deleted: [], inserted: [], timestamp: 5 });
  counter.batch(6, new Map());
  counter.batch(7, count(null, 3));
  counter.reset('epoch2', 2, count(null, 4));
  await until('the difference', () => fold.messages.length === 3);
  expect(fold.messages.slice(1)).toEqual([
    { deleted: [], inserted: [[3]], timestamp: 7 },
    { deleted: [[3]], inserted: [[4]], timestamp: 2 },
  ]);
});

async function events(url: string, headers: Readonly<Record<string, string>>, many: number) {
  const abort = new AbortController();
  closers.push(() => abort.abort());
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const body = response.body ?? new ReadableStream();
  const reader = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  const got: { id: string | undefined; data: string }[] = [];
  while (got.length < many) {
    const { value, done } = await reader.read();
    if (done) break;
    got.push({ id: value.id, data: value.data });
  }
  abort.abort();
  return got;
}

test('SSE resumed by Last-Event-ID at every timestamp equals never having left', async () => {
  const { counter, http } = stand();
  counter.reset('epoch1', 100, count(null, 0));
  for (let at = 1; at <= 20; at++) counter.batch(100 + at, count(at - 1, at));
  const url = `${http}/api/stream/counter`;
  for (let at = 0; at < 20; at++) {
    const [first] = await events(url, { 'last-event-id': `epoch1.${100 + at}` }, 1);
    expect(first?.id).toBe('epoch1.120');
    expect(JSON.parse(first?.data ?? '')).toEqual({
      deleted: [[at]],
      inserted: [[20]],
      timestamp: 120,
    });
  }
  const [byQuery] = await events(`${url}?from=epoch1.110`, {}, 1);
  expect(JSON.parse(byQuery?.data ?? '').deleted).toEqual([[10]]);
});

test('a token that is refused gets a snapshot that says so', async () => {
  const { counter, http } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const url = `${http}/api/stream/counter`;
  for (const token of ['epoch0.100', 'epoch1.3', 'nonsense', "1' OR 1=1"]) {
    const [first] = await events(url, { 'last-event-id': token }, 1);
    expect(JSON.parse(first?.data ?? '')).toEqual({
      deleted: [],
      inserted: [[7]],
      timestamp: 100,
      snapshot: true,
    });
  }
  const [fresh] = await events(url, {}, 1);
  expect(JSON.parse(fresh?.data ?? '')).not.toHaveProperty('snapshot');
});

test('an upgrade request without a valid key streams lines', async () => {
  const { counter, port } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const response = raw(
    port,
    'GET /api/stream/counter HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Key: +\r\n' +
      'Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket',
  );
  await until('the snapshot', () => unchunk(response.text()).includes('\n'));
  counter.batch(101, count(7, 8));
  await until('a batch', () => unchunk(response.text()).split('\n').length === 3);
  expect(response.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(unchunk(response.text())).toBe(
    '{"deleted": [], "inserted": [[7]], "timestamp": 100}\n' +
      '{"deleted": [[7]], "inserted": [[8]], "timestamp": 101}\n',
  );
});

test('unknown views, bad paths and bad methods are answered in JSON', async () => {
  const { http, ws, counter } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  for (const path of [
    '/api/stream/nope',
    '/api/v1/stream/nope',
    '/api/views/nope',
    '/api/views/%E0%A4',
  ]) {
    const response = await fetch(http + path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: 'unknown_view',
      message: expect.stringContaining('the views are counter'),
      views: ['counter'],
    });
  }
  expect((await fetch(`${http}/nowhere`)).status).toBe(404);
  for (const path of ['/api/stream/counter', '/api/views', '/api/views/counter', '/', '/livez']) {
    const response = await fetch(http + path, { method: 'DELETE' });
    expect([path, response.status, response.headers.get('allow')]).toEqual([
      path,
      405,
      'GET, HEAD',
    ]);
    expect((await fetch(http + path, { method: 'HEAD' })).status).toBe(200);
  }
  const refused = viewer(`${ws}/api/stream/nope`);
  await until('the refusal', () => refused.closed() !== null);
  expect(refused.closed()?.code).toBe(1006);
});

test('no path leads out of the folder of the page, to hidden files or through links', async () => {
  const { port } = stand();
  const paths = [
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/assets/../../outside.txt',
    '/assets/..%5c..%5coutside.txt',
    '//etc/passwd',
    '/.secret',
    '/link.txt',
    '/index.html%00',
    '/assets',
  ];
  for (const path of paths) {
    const response = raw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close`);
    await until(path, () => response.text().includes('\r\n\r\n'));
    expect([path, response.text().split('\r\n')[0]]).toEqual([path, 'HTTP/1.1 404 Not Found']);
  }
});

test('the page has its type, tag, caching and security headers', async () => {
  const { http } = stand();
  const page = await fetch(`${http}/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const tag = page.headers.get('etag') ?? '';
  const again = await fetch(`${http}/`, { headers: { 'if-none-match': tag } });
  expect(again.status).toBe(304);
  const script = await fetch(`${http}/assets/main-Ab3dE6gh.js`);
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(script.headers.get('content-encoding')).toBe('gzip');
  expect(await script.text()).toBe('export {};\n'.repeat(50));
  const head = await fetch(`${http}/`, { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(head.headers.get('content-length')).toBe('38');
});

test('a missing build is told in a friendly page', async () => {
  const { http } = stand({ web: join(web, 'nothing') });
  const page = await fetch(`${http}/`);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('npm run build');
});

test('a view over HTTP has a tag that stands until its rows change', async () => {
  const { counter, http } = stand();
  expect((await fetch(`${http}/api/views/counter`)).status).toBe(503);
  counter.reset(
    'epoch1',
    100,
    new Map([
      ['["a",1]', 2],
      ['["b",2]', 1],
    ]),
  );
  const response = await fetch(`${http}/api/views/counter`);
  expect(await response.json()).toEqual({
    view: 'counter',
    epoch: 'epoch1',
    timestamp: 100,
    columns: counter.columns,
    rows: [
      ['a', 1],
      ['a', 1],
      ['b', 2],
    ],
  });
  const tag = response.headers.get('etag') ?? '';
  counter.batch(101, new Map());
  const same = await fetch(`${http}/api/views/counter`, { headers: { 'if-none-match': tag } });
  expect(same.status).toBe(304);
  counter.batch(102, new Map([['["b",2]', -1]]));
  const changed = await fetch(`${http}/api/views/counter`, { headers: { 'if-none-match': tag } });
  expect(changed.status).toBe(200);
  expect(await changed.json()).toMatchObject({ timestamp: 102 });
  const entry = {
    name: 'counter',
    columns: counter.columns,
    definition: null,
    epoch: 'epoch1',
    timestamp: 102,
  };
  expect(await getJson(`${http}/api/views`)).toEqual({
    views: [{ ...entry, state: 'live', rows: 2, viewers: 0 }],
  });
});

test('ready means that every view has its rows; the numbers are there', async () => {
  const { counter, views, http, ws } = stand();
  views.discovered = false;
  const early = await fetch(`${http}/readyz`);
  expect(early.status).toBe(503);
  expect(await early.json()).toMatchObject({ missing: ['the list of views', 'counter'] });
  for (const path of ['views', 'views/later', 'stream/later', 'v1/stream/later']) {
    const answer = await fetch(`${http}/api/${path}`);
    expect([answer.status, answer.headers.get('retry-after')], path).toEqual([503, '1']);
    expect(await answer.json(), path).toMatchObject({ error: 'unavailable', retryMs: 1_000 });
  }
  views.discovered = true;
  expect((await fetch(`${http}/api/views/later`)).status).toBe(404);
  expect((await fetch(`${http}/api/stream/later`)).status).toBe(404);
  counter.reset('epoch1', Date.now(), count(null, 1));
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
  expect((await fetch(`${http}/livez`)).status).toBe(200);
  const { fold } = viewer(`${ws}/api/stream/counter`);
  await until('the snapshot', () => fold.messages.length === 1);
  counter.batch(Date.now() + 1, count(1, 2));
  const text = await (await fetch(`${http}/metrics`)).text();
  expect(text).toContain('viewcast_viewers{view="counter"} 1');
  expect(text).toContain('viewcast_batches_total{view="counter"} 1');
  expect(text).toMatch(/viewcast_serving_lag_seconds_count\{view="counter"\} 1/);
  expect(text).toMatch(/viewcast_upstream_frontier_lag_seconds\{view="counter"\} \d/);
});

test('pages of other origins are refused, listed ones may read, programs need no origin', async () => {
  const { counter, http, ws, port } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const ask = (origin: string, path = '/api/views/counter') =>
    fetch(http + path, { headers: { origin } });
  expect((await ask('https://evil.example')).status).toBe(403);
  expect((await ask('null')).status).toBe(403);
  expect((await ask('https://evil.example', '/api/stream/counter')).status).toBe(403);
  expect((await ask(`http://127.0.0.1:${port}`)).status).toBe(200);
  const friend = await ask('https://friend.example');
  expect(friend.headers.get('access-control-allow-origin')).toBe('https://friend.example');
  const evil = viewer(`${ws}/api/stream/counter`, { origin: 'https://evil.example' });
  const own = viewer(`${ws}/api/stream/counter`, { origin: `http://127.0.0.1:${port}` });
  await until('the refusal', () => evil.closed() !== null);
  await until('the own page', () => own.fold.messages.length === 1);
  expect(evil.fold.messages).toEqual([]);
});

test('an address has so many connections and no more, each refusal with its code', async () => {
  const { counter, http, ws } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const headers = { 'x-forwarded-for': '192.0.2.7, 198.51.100.9' };
  const three = [1, 2, 3].map(() => viewer(`${ws}/api/stream/counter`, headers));
  await until('three', () => three.every(({ fold }) => fold.messages.length === 1));
  const fourth = viewer(`${ws}/api/stream/counter`, headers);
  await until('the close', () => fourth.closed() !== null);
  expect(fourth.closed()).toEqual({ code: 4012, reason: 'too_many_connections retryMs=10000' });
  const http4 = await fetch(`${http}/api/stream/counter`, { headers });
  expect([http4.status, http4.headers.get('retry-after')]).toEqual([429, '10']);
  const other = { 'x-forwarded-for': '198.51.100.9, 192.0.2.7' };
  const neighbour = viewer(`${ws}/api/stream/counter`, other);
  await until('the neighbour', () => neighbour.fold.messages.length === 1);
  three[0]?.socket.close();
  await until('a place', () => three[0]?.closed() !== null);
  const fifth = viewer(`${ws}/api/stream/counter`, headers);
  await until('the fifth', () => fifth.fold.messages.length === 1);
  const metrics = await (await fetch(`${http}/metrics`)).text();
  expect(metrics).toContain('viewcast_closes_total{code="4012"} 1');
});

test('what a viewer says is bounded: too large is 4009, too often 4029, both leave others alone', async () => {
  const { counter, ws } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const [large, often, quiet] = [1, 2, 3].map(() => viewer(`${ws}/api/stream/counter`));
  await until('all', () => [large, often, quiet].every((one) => one?.fold.messages.length === 1));
  large?.socket.send('x'.repeat(16_384));
  large?.socket.send('x'.repeat(16_385));
  for (let at = 0; at < 60; at++) often?.socket.send('hello');
  await until('both closes', () => large?.closed() !== null && often?.closed() !== null);
  expect(large?.closed()?.code).toBe(4009);
  expect(often?.closed()?.code).toBe(4029);
  counter.batch(101, count(7, 8));
  await until('the neighbour', () => quiet?.fold.messages.length === 2);
});

test('a view that goes away closes its viewers with a reason; one that comes is served at once', async () => {
  const { counter, views, ws, http, port } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const socket = viewer(`${ws}/api/stream/counter`);
  const line = raw(port, 'GET /api/stream/counter HTTP/1.1\r\nHost: x');
  await until('both', () => socket.fold.messages.length === 1 && line.text().includes('[[7]]'));
  views.remove('counter');
  await until('the closes', () => socket.closed() !== null && line.text().endsWith('0\r\n\r\n'));
  expect(socket.closed()).toEqual({ code: 4010, reason: 'view_gone retryMs=5000' });
  expect((await fetch(`${http}/api/views/counter`)).status).toBe(404);
  views.add('counter').reset('epoch2', 5, count(null, 1));
  const late = viewer(`${ws}/api/stream/counter`);
  await until('the new view', () => late.fold.messages.length === 1);
});

test('several stopped readers leave the fast one alone, and catch up by one batch when they read', async () => {
  const { counter, http, ws, port } = stand();
  const wide = (at: number): string => JSON.stringify([at, 'x'.repeat(20_000)]);
  const rows = new Map([[wide(0), 1]]);
  counter.reset('epoch1', 100, rows);
  const fast = viewer(`${ws}/api/stream/counter`);
  const slowSockets = [1, 2, 3].map(() => viewer(`${ws}/api/stream/counter`));
  const slowLines = [1, 2].map(() => raw(port, 'GET /api/stream/counter HTTP/1.1\r\nHost: x'));
  await until('all joined', () => slowSockets.every(({ fold }) => fold.messages.length === 1));
  await until('all lines', () => slowLines.every(({ text }) => text().includes('\n')));
  for (const { socket } of slowSockets) socket.pause();
  for (const { pause } of slowLines) pause();
  const lagging = async (): Promise<number> => {
    const text = await (await fetch(`${http}/metrics`)).text();
    return Number(/viewcast_lagging_viewers\{view="counter"\} (\d+)/.exec(text)?.[1]);
  };
  let at = 0;
  while ((await lagging()) < 5 && at < 2_000) {
    for (let more = 0; more < 20; more++) {
      counter.batch(
        101 + at,
        new Map([
          [wide(at), -1],
          [wide(at + 1), 1],
        ]),
      );
      at += 1;
    }
    await until('the fast one', () => fast.fold.messages.at(-1)?.timestamp === 100 + at);
  }
  expect(await lagging()).toBe(5);
  expect(fast.fold.messages.length).toBe(at + 1);
  for (const { socket } of slowSockets) socket.resume();
  for (const { resume } of slowLines) resume();
  await until('all read', () =>
    slowSockets.every(({ fold }) => fold.messages.at(-1)?.timestamp === 100 + at),
  );
  for (const { fold } of slowSockets) {
    expect(fold.rows).toEqual(counter.rows);
    expect(fold.messages.length).toBeLessThan(at);
  }
  const lines = (text: string) => unchunk(text).trim().split('\n');
  await until('all lines read', () =>
    slowLines.every(({ text }) => text().includes(`"timestamp": ${100 + at}}`)),
  );
  for (const { text } of slowLines) {
    const fold = new Fold();
    for (const line of lines(text())) fold.take(line);
    expect(fold.rows).toEqual(counter.rows);
    expect(fold.messages.length).toBeLessThan(at);
  }
  expect(await lagging()).toBe(0);
});

test('a port in use is told in a sentence', () => {
  const { port } = stand();
  const again = () =>
    serveViews(new FakeViews(), {
      host: '127.0.0.1',
      port,
      web,
      origins: [],
      trustedProxies: [],
      connectionsPerAddress: 3,
      failed: () => {},
    });
  expect(again).toThrow(`cannot listen on 127.0.0.1:${port}: another program has the port`);
});

test('a server that stops tells its viewers with 4001', async () => {
  const { counter, ws } = stand();
  counter.reset('epoch1', 100, count(null, 7));
  const one = viewer(`${ws}/api/stream/counter`);
  await until('the snapshot', () => one.fold.messages.length === 1);
  serving?.close();
  await until('the close', () => one.closed() !== null);
  expect(one.closed()).toEqual({ code: 4001, reason: 'draining' });
});
