import { afterEach, expect, test } from 'vitest';
import type { Connection } from '../../conformance/connection.ts';
import type { Track } from '../../conformance/track.ts';
import { until } from '../viewcast.ts';
import { FakeSite } from './fake-site.ts';

let site: FakeSite;

afterEach(() => site.close());

const acknowledge = ({ connection, track }: { connection: Connection; track: Track }): void =>
  connection.say({ type: 'ack', channel: track.channel ?? -1, upper: track.frontier ?? 0 });

const LAGGING = 'viewcast_lagging_viewers{view="wide"}';

test('F5: slow readers leave the fast one alone, are sent nothing meanwhile, and catch up by one batch', async () => {
  site = new FakeSite(20_000);
  const fast = await site.viewer();
  const slow = [await site.viewer(), await site.viewer(), await site.viewer()];
  const move = async (): Promise<void> => {
    site.move();
    await fast.connection.until('the change', () => fast.track.frontier === site.view.frontier);
    acknowledge(fast);
  };
  // 256 KiB unacknowledged are 7 batches of two rows of 20 kB: far fewer than these.
  for (let at = 0; at < 60; at++) await move();
  const behind = slow.map(({ track }) => track.batches);
  for (const batches of behind) expect(batches).toBeLessThan(30);
  for (let at = 0; at < 60; at++) await move();
  expect(slow.map(({ track }) => track.batches)).toEqual(behind);
  for (const one of slow) {
    const before = one.track.batches;
    acknowledge(one);
    await one.connection.until('it to catch up', () => one.track.frontier === site.view.frontier);
    expect(one.track.batches).toBeLessThanOrEqual(before + 2);
    expect(one.track.rows('wide')).toEqual(site.view.rows);
  }
  expect(fast.connection.ended).toBeNull();
});

test('F6: readers that stopped for ever are closed with 4008 after 60 s, whether they listen or not', async () => {
  let nowMs = Date.now();
  site = new FakeSite(20_000, { nowMs: () => nowMs });
  const fast = await site.viewer();
  const listening = await site.viewer();
  const stopped = await site.viewer();
  stopped.connection.read(false);
  for (let at = 0; at < 60; at++) {
    site.move();
    await fast.connection.until('the change', () => fast.track.frontier === site.view.frontier);
    acknowledge(fast);
  }
  const code = 'viewcast_closes_total{code="4008"}';
  nowMs += 30_000;
  expect(await site.metric(code)).toBe(0);
  nowMs += 31_000;
  const { code: closed } = await listening.connection.awaitEnd();
  expect(closed).toBe(4008);
  stopped.connection.read(true);
  await stopped.connection.awaitEnd();
  await until('nobody lags', async () => (await site.metric(LAGGING)) === 0);
  site.move();
  await fast.connection.until('the change', () => fast.track.frontier === site.view.frontier);
});

test('F7: whatever the library drops, nothing is ever delivered after a gap, and resuming repairs it', async () => {
  // Nobody leaves by the rule: only the library's own fuse is between the viewers and a flood.
  const outboxLimits = { highBytes: 2 ** 40, lowBytes: 64 * 1024, lagMs: 60_000 };
  site = new FakeSite(100_000, { outboxLimits });
  const viewers = [await site.viewer(), await site.viewer(), await site.viewer()];
  const held = viewers.map(({ track }) => track.holding());
  for (const { connection } of viewers) connection.read(false);
  // In one turn, and more than the fuse and the kernel's buffers hold.
  for (let at = 0; at < 120; at++) site.move();
  const fast = await site.viewer();
  for (const one of viewers) {
    one.connection.read(true);
    // The rules are checked at each message: a gap would be the end of this.
    const over = () => one.connection.ended !== null || one.track.frontier === site.view.frontier;
    while (!over()) {
      acknowledge(one);
      await one.connection.listen(50, over).catch((error: unknown) => {
        if (one.connection.ended === null) throw error;
      });
    }
  }
  for (const one of held) {
    const connection = await site.connect();
    const from = { epoch: one.epoch, timestamp: one.frontier };
    const track = await connection.subscribe({ views: [{ view: 'wide' }], from }, one);
    expect(track.rows('wide')).toEqual(site.view.rows);
  }
  expect(fast.track.rows('wide')).toEqual(site.view.rows);
});

test('F11: who comes back from before history gets a snapshot that says so', async () => {
  site = new FakeSite(100);
  const { track } = await site.viewer();
  const held = track.holding();
  for (let at = 0; at < 20; at++) site.move();
  site.view.reach = 5;
  const connection = await site.connect();
  const from = { epoch: held.epoch, timestamp: held.frontier };
  const again = await connection.subscribe({ views: [{ view: 'wide' }], from }, held);
  expect(again.subscribed).toMatchObject({ resumed: 'snapshot', reason: 'expired' });
  expect(again.rows('wide')).toEqual(site.view.rows);
});
