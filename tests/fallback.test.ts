import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect } from '../client/client.ts';
import { submit } from '../client/submit.ts';
import type { Subscription } from '../client/subscription.ts';
import type { Changes } from '../protocol/update.ts';
import type { AccessOptions } from '../server/access.ts';
import { Authorizer } from '../server/auth/authorizer.ts';
import { secretKeys } from '../server/auth/keys.ts';
import { sign } from '../server/auth/token-fixture.ts';
import { type FakeView, FakeViews } from '../server/channel/fake-view.ts';
import { machineClock } from '../server/clock.ts';
import type { Serving } from '../server/serve-options.ts';
import { serveViews } from '../server/serve-views.ts';
import { HttpProxy } from './http-proxy.ts';

/** The rows that the server's fake views have. */
type Views = {
  readonly counter: readonly [user: string, count: number];
  readonly top10: readonly [user: string, count: number];
};

/** As the fault table has it: from the attempt to the first rows. */
const FALLBACK_MS = 10_000;

let views: FakeViews;
let counter: FakeView;
let top10: FakeView;
let serving: Serving;
let proxy: HttpProxy;
let url: string;
let client: Client<Views> | undefined;

const row = (user: string, count: number) => JSON.stringify([user, count]);
const bump = (from: number, to: number): Changes =>
  new Map([
    [row('all', from), -1],
    [row('all', to), 1],
  ]);

const secret = Buffer.alloc(32, 1);
const guard: AccessOptions = {
  verifier: new Authorizer(
    { keys: secretKeys(secret), issuer: null, audience: null, claim: 'viewcast' },
    machineClock,
  ),
  querySeconds: 0,
};

beforeEach(() => begin());

afterEach(async () => {
  client?.close();
  await proxy.close();
  serving.close();
});

async function begin(access?: AccessOptions): Promise<void> {
  views = new FakeViews();
  counter = views.add('counter');
  top10 = views.add('top10');
  counter.reset('epochC', 1_000, new Map([[row('all', 0), 1]]));
  top10.reset('epochT', 1_000, new Map([[row('a', 1), 2]]));
  serving = serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web: '/nowhere',
    origins: [],
    trustedProxies: [],
    connectionsPerAddress: 50,
    access,
    failed: (path, error) => {
      throw new Error(`${path} failed`, { cause: error });
    },
  });
  proxy = new HttpProxy(serving.port);
  url = await proxy.listen();
}

/** Polls, patient with a machine under load. */
const eventually = (look: () => unknown) => expect.poll(look, { timeout: 30_000 });

/** Follows both views, and compares each state with the view at its own frontier. */
function follow() {
  const states: string[] = [];
  client = connect<Views>(url, { onConnection: (state) => states.push(state) });
  const wrong: string[] = [];
  let compared = 0;
  const subscription = client.subscribe(['counter', 'top10'], {
    onBatch: ({ upper, held }) => {
      for (const view of [counter, top10]) {
        const name = view === counter ? 'counter' : 'top10';
        const at = Number(held[name] ?? upper);
        if (!same(subscription.rows(name), view.at(at))) wrong.push(`${name} at ${at}`);
        compared += 1;
      }
    },
  });
  return { subscription, states, wrong, compared: () => compared };
}

function same(rows: readonly (readonly unknown[])[], truth: Changes | undefined): boolean {
  const texts = [...(truth ?? [])].flatMap(([text, n]) => Array.from({ length: n }, () => text));
  return (
    JSON.stringify(rows.map((one) => JSON.stringify(one)).sort()) === JSON.stringify(texts.sort())
  );
}

/** From nothing to rows, the whole time it took in ms. */
async function firstRows(subscription: Subscription<Views>): Promise<number> {
  const began = performance.now();
  await eventually(() => subscription.status.state).toBe('live');
  return performance.now() - began;
}

/** The views move again and again; all of it arrives. */
async function moves(subscription: Subscription<Views>): Promise<void> {
  const from = counter.rows.keys().next().value ?? '';
  let count = Number(JSON.parse(from)[1]);
  let at = Number(counter.frontier);
  for (let n = 0; n < 20; n++) {
    at += 10;
    counter.batch(at, bump(count, count + 1));
    count += 1;
    if (n % 4 === 0) top10.batch(at, new Map([[row('b', count), 1]]));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(() => subscription.rows('counter')).toEqual([['all', count]]);
  await eventually(() => subscription.rows('top10').length).toBe(
    [...top10.rows.values()].reduce((sum, n) => sum + n, 0),
  );
}

test('F24: where WebSockets are refused, events bring every batch, through cuts too', async () => {
  proxy.upgrades = 'refuse';
  const { subscription, states, wrong, compared } = follow();
  expect(await firstRows(subscription)).toBeLessThan(FALLBACK_MS);
  await moves(subscription);
  proxy.cut();
  await eventually(() => subscription.status.state).toBe('resuming');
  expect(subscription.rows('counter')).toHaveLength(1);
  await eventually(() => subscription.status.state).toBe('live');
  await moves(subscription);
  expect(wrong).toEqual([]);
  expect(compared()).toBeGreaterThan(4);
  expect(states.filter((state) => state === 'open')).toHaveLength(2);
});

test('F24: events tell that the upstream is silent, of each view, and that it speaks again', async () => {
  proxy.upgrades = 'refuse';
  counter.become('stale');
  const { subscription } = follow();
  await eventually(() => subscription.status.state).toBe('stale');
  expect(subscription.rows('counter')).toHaveLength(1);
  top10.become('stale');
  counter.become('live');
  top10.become('live');
  await eventually(() => subscription.status.state).toBe('live');
  top10.become('stale');
  await eventually(() => subscription.status.state).toBe('stale');
});

test('F24: where a WebSocket is never answered, events come within 10 s', async () => {
  proxy.upgrades = 'mute';
  const { subscription, wrong } = follow();
  expect(await firstRows(subscription)).toBeLessThan(FALLBACK_MS);
  await moves(subscription);
  expect(wrong).toEqual([]);
});

test('F24: where events are held back, lines come within 10 s', async () => {
  proxy.upgrades = 'refuse';
  proxy.holds = 'text/event-stream';
  const { subscription, wrong } = follow();
  expect(await firstRows(subscription)).toBeLessThan(FALLBACK_MS);
  await moves(subscription);
  expect(wrong).toEqual([]);
  proxy.cut();
  await eventually(() => subscription.status.state).toBe('resuming');
  await eventually(() => subscription.status.state).toBe('live');
  await moves(subscription);
  expect(wrong).toEqual([]);
});

test('F24: one view goes on from where the WebSocket left it, and back again', async () => {
  client = connect<Views>(url);
  const lowers: unknown[] = [];
  const subscription = client.subscribe('counter', {
    where: { counter: { user: 'all' } },
    onBatch: ({ lower }) => lowers.push(lower),
  });
  await eventually(() => subscription.status.state).toBe('live');
  proxy.upgrades = 'refuse';
  proxy.cut();
  counter.batch(2_000, bump(0, 7));
  await eventually(() => subscription.rows('counter')).toEqual([['all', 7]]);
  proxy.upgrades = 'pass';
  proxy.cut();
  counter.batch(3_000, bump(7, 8));
  await eventually(() => subscription.rows('counter')).toEqual([['all', 8]]);
  expect(lowers.slice(0, 3)).toEqual([null, 1_000, 2_000]);
});

test('over streams an unknown view, an unknown column and a message in are refused', async () => {
  proxy.upgrades = 'refuse';
  client = connect<Views>(url);
  const name: 'counter' = JSON.parse('"nope"');
  const unknown = client.subscribe(name);
  const column = client.subscribe('counter', { where: { counter: { nope: 1 } } });
  await eventually(() => unknown.status.error?.code).toBe('unknown_view');
  await eventually(() => column.status.error?.code).toBe('unknown_column');
  await expect(submit(client, 'example', 1).accepted).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('F24, F15: tokens go with every request, and one that is refused is asked for anew', async () => {
  await proxy.close();
  serving.close();
  await begin(guard);
  proxy.upgrades = 'refuse';
  let asked = 0;
  client = connect<Views>(url, {
    token: () => {
      asked += 1;
      const exp = Math.floor(Date.now() / 1_000) + 600;
      const key = asked === 1 ? Buffer.alloc(32, 2) : secret;
      return sign({ viewcast: { views: '*' }, exp }, key, { alg: 'HS256' });
    },
  });
  const subscription = client.subscribe('counter');
  await eventually(() => subscription.status.state).toBe('live');
  expect(subscription.rows('counter')).toEqual([['all', 0]]);
  expect(asked).toBe(2);
});

test('a server that is away is no reason for another way: it is tried again', async () => {
  const port = Number(new URL(url).port);
  await proxy.close();
  client = connect<Views>(url);
  const subscription = client.subscribe('counter');
  await eventually(() => client?.connection).toBe('waiting');
  proxy = new HttpProxy(serving.port);
  await proxy.listen(port);
  await eventually(() => subscription.status.state).toBe('live');
  expect(proxy.opened).toBe(1);
});
