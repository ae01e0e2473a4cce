/** Real threads and sockets; the views are moved by hand. */
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { CLOSE } from '../protocol/close.ts';
import type { RowText } from '../protocol/update.ts';
import { readConfig } from './config.ts';
import { SessionClient } from './session-client.ts';
import { Fold, until, viewWebSocket } from './stream-client.ts';
import { type Spawn, serveThreads, startWorker, type Threads } from './threads.ts';
import { View } from './view/view.ts';
import { GO_ON, RELATION, SNAPSHOT } from './view/view-fixture.ts';
import type { FromWorker, ToWorker } from './workers/message.ts';

const START_MS = 1_700_000_000_000;
const log = { info: () => {}, warn: () => {}, error: () => {} };
const closers: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
}, 20_000);

/** A view and all that it was, by frontier. */
class Moved {
  readonly view: View;
  readonly past = new Map<number, ReadonlyMap<RowText, number>>();
  #now = START_MS;
  #count = 0;

  constructor(name: string) {
    this.view = new View(name);
    this.view.start({ ...RELATION, object: name }, SNAPSHOT);
    this.view.update({ row: '[0]', time: this.#now, diff: 1 });
    this.view.progress(this.#advance());
    this.view.start({ ...RELATION, object: name }, GO_ON);
    this.#keep();
  }

  get frontier(): number {
    return this.#now;
  }

  /** The counter goes up by one, twice within the batch every third time. */
  move(): void {
    const times = this.#count % 3 === 0 ? 2 : 1;
    for (let time = 0; time < times; time++) {
      this.view.update({ row: `[${this.#count}]`, time: this.#now, diff: -1 });
      this.#count += 1;
      this.view.update({ row: `[${this.#count}]`, time: this.#now, diff: 1 });
      this.#advance();
    }
    this.view.progress(this.#now);
    this.#keep();
  }

  token(frontier: number): string {
    return `${this.view.epoch}.${frontier}`;
  }

  #advance(): number {
    this.#now += 10;
    return this.#now;
  }

  #keep(): void {
    this.past.set(this.#now, new Map(this.view.rows));
  }
}

interface Stand {
  readonly counter: Moved;
  readonly other: Moved;
  readonly threads: Threads;
  readonly http: string;
  readonly ws: string;
  /** What is said to each worker that was ever started, in order. */
  readonly workers: readonly { post(message: ToWorker): void; readonly said: FromWorker[] }[];
}

/** Opens threads over two views; `start` may start others than the project's. */
async function stand(
  env: Readonly<Record<string, string>> = {},
  start: Spawn = startWorker,
): Promise<Stand> {
  const result = readConfig({ VIEWCAST_PORT: '0', VIEWCAST_LOG: 'silent', ...env });
  if (result.kind === 'errors') throw new Error(result.errors.join());
  const [counter, other] = [new Moved('counter'), new Moved('other')];
  const views = {
    discovered: true,
    all: () => [counter.view, other.view],
    watch: () => () => {},
  };
  const workers: { post(message: ToWorker): void; said: FromWorker[] }[] = [];
  const spawn: Spawn = (data, hear) => {
    const said: FromWorker[] = [];
    const port = start(data, {
      message: (message) => {
        said.push(message);
        hear.message(message);
      },
      ended: () => hear.ended(),
    });
    workers.push({ post: (message) => port.post(message), said });
    return port;
  };
  const threads = await serveThreads(views, result.config, log, spawn);
  closers.push(() => threads.close());
  const at = `127.0.0.1:${threads.port}`;
  return { counter, other, threads, http: `http://${at}`, ws: `ws://${at}`, workers };
}

/** How many viewers the worker has. */
async function viewersOf(worker: Stand['workers'][number]): Promise<number> {
  worker.post({ kind: 'gather', id: -1, question: 'viewers' });
  const own = () => worker.said.filter(({ kind }) => kind === 'gathered');
  const before = own().length;
  await until('the worker says its viewers', () => own().length > before);
  const last = own().at(-1);
  const part = last?.kind === 'gathered' ? last.part : null;
  return part instanceof Map ? [...part.values()].reduce((sum, many) => sum + many, 0) : 0;
}

/** What the whole process says it has sent as snapshots. */
async function snapshotBytes({ http }: Stand): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text();
  const line = /^viewcast_sent_bytes_total\{view="counter",kind="snapshot"\} (\d+)$/m.exec(text);
  return Number(line?.[1]);
}

/** Viewers of the counter until the test ends. */
function watch({ ws }: Stand, many: number, query = '', headers = {}) {
  return Array.from({ length: many }, () => {
    const viewer = viewWebSocket(`${ws}/api/stream/counter${query}`, headers);
    closers.push(() => viewer.socket.terminate());
    return viewer;
  });
}

/** What a viewer held after each message is what the view was at that timestamp. */
function expectTrue({ fold }: { readonly fold: Fold }, moved: Moved, held?: Fold): void {
  const replay = new Fold();
  for (const [row, many] of held?.rows ?? []) replay.rows.set(row, many);
  for (const message of fold.messages) {
    replay.take(JSON.stringify(message));
    expect(replay.rows).toEqual(moved.past.get(message.timestamp));
  }
}

const reached = (fold: Fold, moved: Moved) => fold.messages.at(-1)?.timestamp === moved.frontier;
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function move(moved: Moved, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    moved.move();
    if (time % 5 === 0) await turn();
  }
}

test('viewers of all workers hold the same at each timestamp, and are counted as one', async () => {
  const one = await stand({ VIEWCAST_WORKERS: '3' });
  const early = watch(one, 24);
  await until('all have the snapshot', () => early.every(({ fold }) => fold.messages.length > 0));
  const sessions = Array.from({ length: 12 }, () => {
    const views = [{ view: 'counter' }, { view: 'other' }];
    const client = new SessionClient(one.ws, [{ type: 'subscribe', id: 's', views }]);
    closers.push(() => client.socket.terminate());
    return client;
  });
  await move(one.counter, 100);
  const late = watch(one, 12);
  await move(one.counter, 100);
  for (let time = 0; time < 270; time++) one.other.move();
  const all = [...early, ...late];
  await until('all have the last', () => all.every(({ fold }) => reached(fold, one.counter)));
  for (const viewer of all) expectTrue(viewer, one.counter);
  const last = (name: 'counter' | 'other') => [...one[name].view.rows.keys()];
  await until('sessions, too', () =>
    sessions.every((client) => client.rows('counter').join() === last('counter').join()),
  );
  const counts = await Promise.all(one.workers.map(viewersOf));
  expect(counts.every((many) => many > 0)).toBe(true);
  // A session shows both views.
  expect(counts.reduce((sum, many) => sum + many, 0)).toBe(36 + 2 * 12);
  const catalogue = await (await fetch(`${one.http}/api/views`)).json();
  expect(catalogue).toMatchObject({
    views: [
      { name: 'counter', viewers: 48 },
      { name: 'other', viewers: 12 },
    ],
  });
  const metrics = await (await fetch(`${one.http}/metrics`)).text();
  expect(metrics).toContain('viewcast_viewers{view="counter"} 48');
  expect(metrics).toContain('viewcast_connections{kind="websocket"} 36');
  expect(metrics.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
  expect((await fetch(`${one.http}/readyz`)).status).toBe(200);
}, 60_000);

test('any worker resumes from any moment, also one that has just taken the place of another', async () => {
  const one = await stand({ VIEWCAST_WORKERS: '2' });
  const [first] = watch(one, 1);
  await move(one.counter, 20);
  await until(
    'the first viewer has all',
    () => first !== undefined && reached(first.fold, one.counter),
  );
  const held = new Fold();
  for (const message of first?.fold.messages ?? []) held.take(JSON.stringify(message));
  const token = `?from=${one.counter.token(one.counter.frontier)}`;
  await move(one.counter, 20);
  const before = watch(one, 32);
  await until('all are there', () => before.every(({ fold }) => fold.messages.length > 0));
  const sent = await snapshotBytes(one);
  // What no worker can make sense of: it dies of that.
  one.workers[0]?.post({
    kind: 'events',
    texts: ['[{"kind":"state","name":"nobody","state":"live"}]'],
  });
  const serves = ({ said }: Stand['workers'][number]) =>
    said.some(({ kind }) => kind === 'listening');
  await until('its successor serves', () => one.workers.filter(serves).length === 3);
  expect(await snapshotBytes(one)).toBeGreaterThanOrEqual(sent);
  const closed = before.filter((viewer) => viewer.closed() !== null);
  expect(closed.length).toBeGreaterThan(0);
  expect(closed.length).toBeLessThan(before.length);
  const resumed = watch(one, 32, token);
  await until('all caught up', () => resumed.every(({ fold }) => reached(fold, one.counter)));
  expect(resumed.map(({ fold }) => fold.messages.length)).toEqual(resumed.map(() => 1));
  expect(resumed.some(({ fold }) => fold.messages[0]?.snapshot === true)).toBe(false);
  await move(one.counter, 20);
  await until('all go on', () => resumed.every(({ fold }) => reached(fold, one.counter)));
  for (const viewer of resumed) expectTrue(viewer, one.counter, held);
  const [, , successor] = one.workers;
  expect(successor && (await viewersOf(successor))).toBeGreaterThan(0);
  const stayed = before.filter((viewer) => viewer.closed() === null);
  await until('the others go on', () => stayed.every(({ fold }) => reached(fold, one.counter)));
  for (const viewer of stayed) expectTrue(viewer, one.counter);
}, 60_000);

test('a worker that hangs is noticed', async () => {
  // It greets and says that it serves; whatever it is told then is the last that it hears.
  const hanging = `
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage({ kind: 'hello' });
    parentPort.once('message', () => {
      parentPort.postMessage({ kind: 'listening' });
      parentPort.once('message', () => { for (;;); });
    });
  `;
  const sound = await stand({ VIEWCAST_WORKERS: '2' });
  expect(await sound.threads.alive()).toBe(true);
  const { threads } = await stand({ VIEWCAST_WORKERS: '2' }, (data, hear) => {
    if (data.number === 1) return startWorker(data, hear);
    const worker = new Worker(hanging, { eval: true });
    closers.push(() => worker.terminate().then(() => {}));
    worker.on('message', (message: FromWorker) => hear.message(message));
    worker.once('exit', () => hear.ended());
    return { post: (message) => worker.postMessage(message) };
  });
  expect(await threads.alive()).toBe(false);
});

test('an address has as many connections as it may over all workers together', async () => {
  const one = await stand({
    VIEWCAST_WORKERS: '3',
    VIEWCAST_TRUSTED_PROXIES: '127.0.0.1',
    VIEWCAST_CONNECTIONS_PER_ADDRESS: '5',
  });
  const from = (address: string) => ({ 'X-Forwarded-For': address });
  const many = watch(one, 20, '', from('192.0.2.1'));
  const other = watch(one, 5, '', from('192.0.2.2'));
  const settled = (viewers: typeof many) =>
    viewers.every(({ fold, closed }) => closed() !== null || fold.messages.length > 0);
  await until('all are in or out', () => settled(many) && settled(other));
  const inside = many.filter(({ closed }) => closed() === null);
  expect([inside.length, other.every(({ closed }) => closed() === null)]).toEqual([5, true]);
  const codes = new Set(many.flatMap(({ closed }) => closed()?.code ?? []));
  expect([...codes]).toEqual([CLOSE.tooManyConnections.code]);
  for (const { socket } of inside) socket.terminate();
  // The places are given back when the workers have heard of it: tried until then.
  for (const end = Date.now() + 15_000; ; ) {
    const again = watch(one, 1, '', from('192.0.2.1'));
    await until('it is in or out', () => settled(again));
    if (again.every(({ closed }) => closed() === null)) break;
    expect(Date.now()).toBeLessThan(end);
  }
}, 60_000);
