import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Row } from '../client/rows.ts';
import { PrefixOracle } from '../tests/prefix-oracle.ts';
import { minuteOf2021, recordingsMissing } from '../tests/recordings.ts';
import { NO_BROWSER } from './chromium.ts';
import { formatCount } from './format.ts';
import {
  expectedLines,
  PATIENT,
  PageProbe,
  settled,
  shownChart,
  shownPage,
  shownTable,
} from './page-probe.ts';
import { randomFrom, World } from './world.ts';

const probe = new PageProbe();

describe.skipIf(NO_BROWSER !== '')(`the page in Chromium ${NO_BROWSER}`, () => {
  test.skipIf(recordingsMissing !== null)(
    `at each of 200 recorded steps the page’s rows equal the fold ${recordingsMissing ?? ''}`,
    async () => {
      const recorded = PrefixOracle.read(minuteOf2021);
      const page = await probe.open();
      await settled(page, 'leaders', 2);
      for (let step = 1; step <= 200; step++) {
        const count = Math.floor((step * recorded.size) / 200);
        const leaders = recorded.leaders(count);
        const rows = leaders.map(([user, n]): Row => [user, 'person', n]);
        probe.stand.set({ counter: [[count]], top20: rows }, 1_000 + step);
        const lines = leaders.map(([user, n]) => ({ name: user, count: formatCount(n) }));
        expect(await shownPage(page, 1_000 + step), `step ${step}`).toEqual({
          counter: formatCount(count),
          chart: lines,
          table: lines,
        });
      }
      expect(probe.faults).toEqual([]);
    },
  );

  test('at each of 50 random steps chart, table and counter equal the fold', async () => {
    const seed = Date.now() % 1_000_000;
    const world = new World(randomFrom(seed));
    const page = await probe.open();
    await settled(page, 'leaders', 2);
    for (let step = 1; step <= 50; step++) {
      const timestamp = 1_000 + step;
      world.step(timestamp);
      probe.stand.set(world.counted(), timestamp);
      const lines = expectedLines(probe.stand.rows('top20')).slice(0, 10);
      expect(await shownPage(page, timestamp), `seed ${seed}, step ${step}`).toEqual({
        counter: formatCount(world.total),
        chart: lines,
        table: lines,
      });
    }
    expect(probe.faults).toEqual([]);
  });

  test('with motion, a thousand batches at once end at the fold', async () => {
    const world = new World(randomFrom(7));
    const page = await probe.open({ reducedMotion: 'no-preference' });
    await settled(page, 'leaders', 2);
    for (let step = 0; step < 1_000; step++) {
      world.step(1_000 + step);
      probe.stand.set(world.counted(), 1_000 + step);
    }
    await settled(page, 'counter', 1_999);
    const lines = expectedLines(probe.stand.rows('top20')).slice(0, 10);
    await expect.poll(() => shownChart(page), PATIENT).toEqual(lines);
    expect(await shownTable(page)).toEqual(lines);
    expect(probe.faults).toEqual([]);
  });

  test('cut off, it keeps the old rows and comes back by itself', async () => {
    probe.stand.set({ top20: [['old', 'person', 1]] }, 10);
    const page = await probe.open();
    await settled(page, 'leaders', 10);
    probe.stand.network.away = true;
    probe.stand.network.cut();
    await page.waitForSelector('html[data-connection="reconnecting"]');
    const both: Row[] = [
      ['new', 'person', 2],
      ['old', 'person', 1],
    ];
    probe.stand.set({ top20: both }, 20);
    expect(await shownTable(page)).toEqual([{ name: 'old', count: '1' }]);
    probe.stand.network.away = false;
    await page.waitForSelector('html[data-connection="live"]');
    expect(await shownTable(page)).toEqual(expectedLines(both));
    probe.stand.set({ top20: [['old', 'person', 1]] }, 30);
    await settled(page, 'leaders', 30);
    expect(await shownChart(page)).toEqual([{ name: 'old', count: '1' }]);
    expect(probe.faults).toEqual([]);
  });

  test('counter and ranking share one connection, and are as of one moment', async () => {
    probe.stand.set({ counter: [[5]], top20: [['a', 'person', 5]] }, 10);
    const page = await probe.open();
    await settled(page, 'leaders', 10);
    probe.stand.set({ counter: [[6]] }, 20);
    await settled(page, 'counter', 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'a', count: '5' }]);
    expect(probe.stand.network.opened).toBe(1);
  });

  test('when the network is back it connects at once', async () => {
    const page = await probe.open();
    await page.waitForSelector('html[data-connection="live"]');
    expect(probe.stand.network.opened).toBe(1);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await expect.poll(() => probe.stand.network.opened, PATIENT).toBe(2);
    await page.waitForSelector('html[data-connection="live"]');
  });

  test('a server that hears nothing from its database says so, and the page with it', async () => {
    const page = await probe.open();
    await page.waitForSelector('html[data-connection="live"]');
    probe.stand.become('stale');
    await page.waitForSelector('html[data-connection="stale"]');
    expect(await page.textContent('#status')).toMatch(/^Stale, the database is silent/);
    probe.stand.become('live');
    await page.waitForSelector('html[data-connection="live"]');
  });

  test('F24: without WebSockets, and with events held back, the page moves all the same', async () => {
    probe.stand.network.upgrades = 'refuse';
    probe.stand.network.holds = 'text/event-stream';
    const page = await probe.open();
    await page.waitForSelector('html[data-connection="live"]');
    probe.stand.set({ counter: [[7]], top20: [['a', 'person', 7]] }, 20);
    await settled(page, 'counter', 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'a', count: '7' }]);
    expect(probe.faults).toEqual([]);
  });

  test('F28: rows damaged on the way are found out and replaced', async () => {
    probe.stand.set({ top20: [['a', 'person', 1]] }, 10);
    const page = await probe.open();
    await settled(page, 'leaders', 10);
    let damaged = 0;
    probe.stand.network.alter = (bytes) => {
      const text = bytes.toString('latin1');
      if (damaged > 0 || !text.includes('["a","person",2]')) return bytes;
      damaged += 1;
      return Buffer.from(text.replace('["a","person",2]', '["z","person",2]'), 'latin1');
    };
    probe.stand.set({ top20: [['a', 'person', 2]] }, 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'z', count: '2' }]);
    await expect.poll(() => shownTable(page), PATIENT).toEqual([{ name: 'a', count: '2' }]);
    expect(await page.getAttribute('html', 'data-connection')).toBe('live');
  });

  test('a view that is not there is waited for', async () => {
    probe.stand.remove('top20');
    const page = await probe.open();
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Recorded 27 Aug 2021');
    expect(await page.getAttribute('html', 'data-connection')).toBe('connecting');
    probe.stand.set({ top20: [['late', 'person', 1]] }, 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'late', count: '1' }]);
  });

  test('hostile, long, empty and right-to-left names are only text', async () => {
    const rows: Row[] = [
      ['<script>alert(1)</script>', 'person', 900],
      ['"><img src=x onerror=alert(1)>', 'person', '9007199254740993'],
      ['محمد (بحث)!', 'person', 800],
      ['\u202eevil', 'person', 700],
      ['__proto__', 'person', 600],
      ['', 'person', 500],
      [null, 'person', 400],
      ['W'.repeat(500), 'person', 300],
      ['😀', 'person', 3],
      ['&amp;', 'person', 2],
    ];
    probe.stand.set({ top20: rows }, 10);
    const page = await probe.open();
    await settled(page, 'leaders', 10);
    expect(await shownTable(page)).toEqual(expectedLines(rows));
    expect(await shownChart(page)).toEqual(expectedLines(rows));
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
    const undirected = page.locator('#leaders tbody th:not([dir=auto])');
    expect(await undirected.count()).toBe(0);
    const overflow = () => document.documentElement.scrollWidth - window.innerWidth;
    for (const width of [360, 1280, 2560]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate(overflow), `${width} px`).toBeLessThanOrEqual(0);
    }
    expect(probe.faults).toEqual([]);
  });

  test('a skeleton stands in the place of the chart, and an empty view says so', async () => {
    probe.stand.network.away = true;
    const page = await probe.open({ viewport: { width: 1280, height: 800 } });
    const boxes = async () => [
      await page.locator('#chart').boundingBox(),
      await page.locator('#odometer').boundingBox(),
      await page.locator('footer').boundingBox(),
    ];
    const before = await boxes();
    expect(await page.locator('.bones').isVisible()).toBe(true);
    probe.stand.network.away = false;
    await page.waitForSelector('html[data-connection="live"]');
    expect(await page.locator('.bones').count()).toBe(0);
    expect(await page.locator('#note').textContent()).toBe('Nothing has been counted yet.');
    probe.stand.set({ top20: [['a', 'person', 1]] }, 20);
    await settled(page, 'leaders', 20);
    expect(await page.locator('#note').isVisible()).toBe(false);
    expect(await boxes()).toEqual(before);
  });

  test('the badge says what feeds the page, and is absent where nothing says it', async () => {
    const page = await probe.open();
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Recorded 27 Aug 2021');
    probe.stand.set({ input: [['generated', '', 'connected', '2026-01-02T00:00:00Z']] });
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Generated, not real');
    probe.stand.set({ input: [] });
    await expect.poll(() => page.locator('#source').isVisible(), PATIENT).toBe(false);
  });

  test('the theme follows the system until the reader chooses', async () => {
    const page = await probe.open({ colorScheme: 'dark' });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await page.click('#theme');
    const light = await paper();
    expect(light).not.toBe(dark);
    await page.reload();
    expect(await paper()).toBe(light);
    expect(await page.getAttribute('#theme', 'aria-pressed')).toBe('false');
    await page.click('#theme');
    expect(await paper()).toBe(dark);
  });

  test('who leads is announced politely, and the table is there to read', async () => {
    const rows: Row[] = [
      ['a', 'person', 2],
      ['b', 'person', 1],
    ];
    probe.stand.set({ top20: rows }, 10);
    const page = await probe.open();
    await settled(page, 'leaders', 10);
    expect(await page.textContent('[aria-live=polite]')).toBe('1: a, 2; 2: b, 1');
    expect(await page.getAttribute('#chart', 'aria-hidden')).toBe('true');
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('row', { name: '1 a person 2' }).click();
  });

  test('the build is small, and nothing in it is inline or from elsewhere', async () => {
    const assets = await readdir(join(probe.folder, 'assets'));
    const html = await readFile(join(probe.folder, 'index.html'), 'utf8');
    let [first, all] = [0, 0];
    for (const name of assets.filter((asset) => asset.endsWith('.js'))) {
      const size = gzipSync(await readFile(join(probe.folder, 'assets', name))).length;
      all += size;
      if (html.includes(name)) first += size;
    }
    expect(first).toBeGreaterThan(0);
    expect(all, 'even with all that is loaded later').toBeLessThanOrEqual(60_000);
    expect(html).not.toMatch(/https?:|data:|style=|<style|<script(?![^>]*src=)/);
  });
});
