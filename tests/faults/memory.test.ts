import { afterEach, expect, test } from 'vitest';
import type { Connection } from '../../conformance/connection.ts';
import type { Track } from '../../conformance/track.ts';
import { CALM_MS, RISE_MS, SAMPLE_MS } from '../../server/memory-pressure.ts';
import { ManualClock } from '../../server/upstream/manual-clock.ts';
import { FakeSite } from './fake-site.ts';

interface Viewer {
  readonly connection: Connection;
  readonly track: Track;
}

let site: FakeSite;
let used = 0;
let clock: ManualClock;
let told: string[] = [];

afterEach(() => site.close());

function open(): void {
  used = 0.1;
  clock = new ManualClock();
  told = [];
  site = new FakeSite(20_000, {
    memory: {
      used: () => used,
      clock,
      report: (level) => told.push(`level ${level}`),
    },
    limitHistory: (share) => {
      told.push(`history ${share}`);
      site.view.reach = share === 1 ? Number.POSITIVE_INFINITY : 3;
    },
  });
}

/** Lets the server read this share of its memory, for so long. */
async function read(share: number, ms: number): Promise<void> {
  used = share;
  await clock.pass(ms);
}

const acknowledge = ({ connection, track }: Viewer, upper = track.frontier ?? 0): void =>
  connection.say({ type: 'ack', channel: track.channel ?? -1, upper });

/** Moves the view; the viewer follows, holds what it holds, and says so. */
async function follow(viewer: Viewer, moves: number): Promise<void> {
  for (let at = 0; at < moves; at++) {
    site.move();
    const { connection, track } = viewer;
    await connection.until('the change', () => track.frontier === site.view.frontier);
    expect(track.rows('wide')).toEqual(site.view.rows);
    acknowledge(viewer);
  }
}

/** What a connection said before this has been heard by the server after this. */
async function heardBy({ connection }: Viewer): Promise<void> {
  const since = connection.heard.length;
  const { request } = connection.ask({ views: [{ view: 'no such view' }] });
  await connection.hear('error', ({ id }) => id === request.id, since);
}

async function refusalOf(connection: Connection) {
  const since = connection.heard.length;
  const { request } = connection.ask({ views: [{ view: 'wide' }] });
  return connection.hear('error', ({ id }) => id === request.id, since);
}

async function resume(track: Track): Promise<Track> {
  const held = track.holding();
  const connection = await site.connect();
  const from = { epoch: held.epoch, timestamp: held.frontier };
  return connection.subscribe({ views: [{ view: 'wide' }], from }, held);
}

test('F27: new snapshots are refused first, then histories shrink, then the largest laggard goes; all comes back in reverse', async () => {
  open();
  const fast = await site.viewer();
  const large = await site.viewer();
  const small = await site.viewer();
  const start = Number(site.view.frontier);
  // More than 256 KiB that the two do not acknowledge: both lag, and one of them by less.
  await follow(fast, 20);
  await small.connection.until('a part', () => Number(small.track.frontier) >= start + 4);
  acknowledge(small, start + 4);
  await heardBy(small);
  const newcomer = await site.connect();

  await read(0.85, 5 * SAMPLE_MS);
  expect(told).toEqual(['level 1']);
  expect(await site.metric('viewcast_memory_pressure_level')).toBe(1);
  const refusal = await refusalOf(newcomer);
  expect(refusal.code).toBe('overloaded');
  expect(refusal.retryMs).toBeGreaterThanOrEqual(1_000);
  expect((await resume(fast.track)).subscribed).toMatchObject({ resumed: 'batch' });
  expect((await fetch(`${site.http}/readyz`)).status).toBe(200);

  await read(0.9, 5 * SAMPLE_MS);
  expect(told.slice(1)).toEqual(['history 0.125', 'level 2']);
  expect(large.connection.ended).toBeNull();

  // One reading at the highest level: one laggard, and the larger.
  await read(0.95, SAMPLE_MS);
  expect(told.slice(3)).toEqual(['level 3']);
  const ended = await large.connection.awaitEnd();
  expect(ended.code).toBe(4013);
  expect(ended.reason).toMatch(/^overloaded retryMs=\d{4,5}$/);
  await follow(fast, 3);
  await heardBy(small);

  // Short of memory still, but not so short that one more must go.
  await read(0.8, CALM_MS + SAMPLE_MS);
  expect(told.slice(4)).toEqual(['level 2']);
  expect((await refusalOf(newcomer)).code).toBe('overloaded');
  await read(0.5, 2 * (CALM_MS + SAMPLE_MS));
  expect(told.slice(5)).toEqual(['history 1', 'level 1', 'level 0']);
  expect(await site.metric('viewcast_memory_pressure_level')).toBe(0);

  acknowledge(small);
  const { connection, track } = small;
  await connection.until('it to catch up', () => track.frontier === site.view.frontier);
  expect(track.rows('wide')).toEqual(site.view.rows);
  const welcome = await newcomer.subscribe({ views: [{ view: 'wide' }] });
  expect(welcome.rows('wide')).toEqual(site.view.rows);
  expect((await resume(large.track)).rows('wide')).toEqual(site.view.rows);
  await follow(fast, 3);
});

test('F27: while memory is short laggards go one by one, live viewers never', async () => {
  open();
  const fast = await site.viewer();
  const slow = [await site.viewer(), await site.viewer(), await site.viewer()];
  await follow(fast, 20);
  await read(0.99, SAMPLE_MS + 2 * RISE_MS + 2 * SAMPLE_MS);
  for (const { connection } of slow) expect((await connection.awaitEnd()).code).toBe(4013);
  await read(0.99, 10 * SAMPLE_MS);
  await follow(fast, 5);
  expect(fast.connection.ended).toBeNull();
});
