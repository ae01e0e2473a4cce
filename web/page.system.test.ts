import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Row } from '../client/rows.ts';
import { launchChromium, NO_BROWSER } from './chromium.ts';
import { formatCount } from './format.ts';
import { leaderColumns, leadersOf } from './leaders.ts';
import { nameText } from './name-text.ts';
import { Stand } from './stand.ts';
import { randomFrom, World } from './world.ts';

/** What the page shows of a ranking, top to bottom. */
type Line = { readonly name: string; readonly count: string };

/** Long enough for a machine under load: what is awaited comes, or the test has failed. */
const PATIENT = { timeout: 30_000 };

let folder: string;
let browser: Browser | undefined;
let stand: Stand;
let address: string;
/** What went wrong in the browser: errors, refused loads, requests that leave the stand. */
let faults: string[];

beforeAll(async () => {
  if (NO_BROWSER !== '') return;
  folder = await mkdtemp(join(tmpdir(), 'viewcast-page-'));
  const root = fileURLToPath(new URL('.', import.meta.url));
  await build({ root, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

beforeEach(async () => {
  faults = [];
  stand = new Stand(folder);
  address = await stand.listen();
  stand.set({
    input: [['recorded', '2021-08-27', 'connected', '2026-01-01T00:00:00Z']],
    counter: [[0]],
    top20: [],
    ...new World(Math.random).views(0),
  });
});

afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
  await stand.close();
});

async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  if (browser === undefined) throw new Error('expected a browser');
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENT.timeout);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('dialog', (dialog) => faults.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    // What could not be loaded is Chromium's own note, not the page's.
    if (!/^(WebSocket connection|Failed to load)/.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(address)) faults.push(`left the origin: ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

async function settled(page: Page, view: 'counter' | 'leaders', timestamp: number): Promise<void> {
  await page.waitForSelector(`#${view}-as-of[data-timestamp="${timestamp}"]`);
}

function shownChart(page: Page): Promise<Line[]> {
  return page.evaluate(() => {
    const place = (bar: Element) =>
      Number(/,(.*)\)/.exec(bar.getAttribute('transform') ?? '')?.[1]);
    const bars = [...document.querySelectorAll('#chart .bar')];
    return bars
      .sort((a, b) => place(a) - place(b))
      .map((bar) => ({
        name: bar.querySelector('title')?.textContent ?? '',
        count: bar.querySelector('.value')?.textContent ?? '',
      }));
  });
}

function shownTable(page: Page): Promise<Line[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('#leaders tbody tr')].map((row) => ({
      name: row.querySelector('th')?.textContent ?? '',
      count: row.querySelector('.count')?.textContent ?? '',
    })),
  );
}

function expected(rows: readonly Row[]): Line[] {
  return leadersOf(
    rows,
    leaderColumns([{ name: 'user' }, { name: 'kind' }, { name: 'count' }]),
  ).map(({ name, count }) => ({
    name: nameText(name),
    count: formatCount(count),
  }));
}

describe.skipIf(NO_BROWSER !== '')(`the page in Chromium ${NO_BROWSER}`, () => {
  test('at each of 200 steps chart, table and counter equal the fold', async () => {
    const seed = Date.now() % 1_000_000;
    const world = new World(randomFrom(seed));
    const page = await openPage();
    await settled(page, 'leaders', 2);
    for (let step = 1; step <= 200; step++) {
      const timestamp = 1_000 + step;
      world.step(timestamp);
      stand.set(world.counted(), timestamp);
      await settled(page, 'counter', timestamp);
      expect(await page.textContent('#counter')).toBe(formatCount(world.total));
      const lines = expected(stand.rows('top20')).slice(0, 10);
      expect(await shownTable(page), `seed ${seed}, step ${step}`).toEqual(lines);
      expect(await shownChart(page), `seed ${seed}, step ${step}`).toEqual(lines);
    }
    expect(faults).toEqual([]);
  });

  test('with motion, a thousand batches at once end at the fold', async () => {
    const world = new World(randomFrom(7));
    const page = await openPage({ reducedMotion: 'no-preference' });
    await settled(page, 'leaders', 2);
    for (let step = 0; step < 1_000; step++) {
      world.step(1_000 + step);
      stand.set(world.counted(), 1_000 + step);
    }
    await settled(page, 'counter', 1_999);
    const lines = expected(stand.rows('top20')).slice(0, 10);
    await expect.poll(() => shownChart(page), PATIENT).toEqual(lines);
    expect(await shownTable(page)).toEqual(lines);
    expect(faults).toEqual([]);
  });

  test('cut off, it keeps the old rows and comes back by itself', async () => {
    stand.set({ top20: [['old', 'person', 1]] }, 10);
    const page = await openPage();
    await settled(page, 'leaders', 10);
    stand.network.away = true;
    stand.network.cut();
    await page.waitForSelector('html[data-connection="reconnecting"]');
    const both: Row[] = [
      ['new', 'person', 2],
      ['old', 'person', 1],
    ];
    stand.set({ top20: both }, 20);
    expect(await shownTable(page)).toEqual([{ name: 'old', count: '1' }]);
    stand.network.away = false;
    await page.waitForSelector('html[data-connection="live"]');
    expect(await shownTable(page)).toEqual(expected(both));
    stand.set({ top20: [['old', 'person', 1]] }, 30);
    await settled(page, 'leaders', 30);
    expect(await shownChart(page)).toEqual([{ name: 'old', count: '1' }]);
    expect(faults).toEqual([]);
  });

  test('counter and ranking share one connection, and are as of one moment', async () => {
    stand.set({ counter: [[5]], top20: [['a', 'person', 5]] }, 10);
    const page = await openPage();
    await settled(page, 'leaders', 10);
    stand.set({ counter: [[6]] }, 20);
    await settled(page, 'counter', 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'a', count: '5' }]);
    expect(stand.network.opened).toBe(1);
  });

  test('when the network is back it connects at once', async () => {
    const page = await openPage();
    await page.waitForSelector('html[data-connection="live"]');
    expect(stand.network.opened).toBe(1);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await expect.poll(() => stand.network.opened, PATIENT).toBe(2);
    await page.waitForSelector('html[data-connection="live"]');
  });

  test('a server that hears nothing from its database says so, and the page with it', async () => {
    const page = await openPage();
    await page.waitForSelector('html[data-connection="live"]');
    stand.become('stale');
    await page.waitForSelector('html[data-connection="stale"]');
    expect(await page.textContent('#status')).toMatch(/^Stale, the database is silent/);
    stand.become('live');
    await page.waitForSelector('html[data-connection="live"]');
  });

  test('F24: without WebSockets, and with events held back, the page moves all the same', async () => {
    stand.network.upgrades = 'refuse';
    stand.network.holds = 'text/event-stream';
    const page = await openPage();
    await page.waitForSelector('html[data-connection="live"]');
    stand.set({ counter: [[7]], top20: [['a', 'person', 7]] }, 20);
    await settled(page, 'counter', 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'a', count: '7' }]);
    expect(faults).toEqual([]);
  });

  test('F28: rows damaged on the way are found out and replaced', async () => {
    stand.set({ top20: [['a', 'person', 1]] }, 10);
    const page = await openPage();
    await settled(page, 'leaders', 10);
    let damaged = 0;
    stand.network.alter = (bytes) => {
      const text = bytes.toString('latin1');
      if (damaged > 0 || !text.includes('["a","person",2]')) return bytes;
      damaged += 1;
      return Buffer.from(text.replace('["a","person",2]', '["z","person",2]'), 'latin1');
    };
    stand.set({ top20: [['a', 'person', 2]] }, 20);
    await settled(page, 'leaders', 20);
    expect(await shownTable(page)).toEqual([{ name: 'z', count: '2' }]);
    await expect.poll(() => shownTable(page), PATIENT).toEqual([{ name: 'a', count: '2' }]);
    expect(await page.getAttribute('html', 'data-connection')).toBe('live');
  });

  test('a view that is not there is waited for', async () => {
    stand.remove('top20');
    const page = await openPage();
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Recorded 27 Aug 2021');
    expect(await page.getAttribute('html', 'data-connection')).toBe('connecting');
    stand.set({ top20: [['late', 'person', 1]] }, 20);
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
    stand.set({ top20: rows }, 10);
    const page = await openPage();
    await settled(page, 'leaders', 10);
    expect(await shownTable(page)).toEqual(expected(rows));
    expect(await shownChart(page)).toEqual(expected(rows));
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
    const undirected = page.locator('#leaders tbody th:not([dir=auto])');
    expect(await undirected.count()).toBe(0);
    const overflow = () => document.documentElement.scrollWidth - window.innerWidth;
    for (const width of [360, 1280, 2560]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate(overflow), `${width} px`).toBeLessThanOrEqual(0);
    }
    expect(faults).toEqual([]);
  });

  test('a skeleton stands in the place of the chart, and an empty view says so', async () => {
    stand.network.away = true;
    const page = await openPage({ viewport: { width: 1280, height: 800 } });
    const boxes = async () => [
      await page.locator('#chart').boundingBox(),
      await page.locator('#odometer').boundingBox(),
      await page.locator('footer').boundingBox(),
    ];
    const before = await boxes();
    expect(await page.locator('.bones').isVisible()).toBe(true);
    stand.network.away = false;
    await page.waitForSelector('html[data-connection="live"]');
    expect(await page.locator('.bones').count()).toBe(0);
    expect(await page.locator('#note').textContent()).toBe('Nothing has been counted yet.');
    stand.set({ top20: [['a', 'person', 1]] }, 20);
    await settled(page, 'leaders', 20);
    expect(await page.locator('#note').isVisible()).toBe(false);
    expect(await boxes()).toEqual(before);
  });

  test('the badge says what feeds the page, and is absent where nothing says it', async () => {
    const page = await openPage();
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Recorded 27 Aug 2021');
    stand.set({ input: [['generated', '', 'connected', '2026-01-02T00:00:00Z']] });
    await expect.poll(() => page.textContent('#source'), PATIENT).toBe('Generated, not real');
    stand.set({ input: [] });
    await expect.poll(() => page.locator('#source').isVisible(), PATIENT).toBe(false);
  });

  test('the theme follows the system until the reader chooses', async () => {
    const page = await openPage({ colorScheme: 'dark' });
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
    stand.set({ top20: rows }, 10);
    const page = await openPage();
    await settled(page, 'leaders', 10);
    expect(await page.textContent('[aria-live=polite]')).toBe('1: a, 2; 2: b, 1');
    expect(await page.getAttribute('#chart', 'aria-hidden')).toBe('true');
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('row', { name: '1 a person 2' }).click();
  });

  test('the build is small, and nothing in it is inline or from elsewhere', async () => {
    const assets = await readdir(join(folder, 'assets'));
    let scripts = 0;
    for (const name of assets.filter((asset) => asset.endsWith('.js'))) {
      scripts += gzipSync(await readFile(join(folder, 'assets', name))).length;
    }
    expect(scripts).toBeGreaterThan(0);
    expect(scripts).toBeLessThanOrEqual(60_000);
    const html = await readFile(join(folder, 'index.html'), 'utf8');
    expect(html).not.toMatch(/https?:|data:|style=|<style|<script(?![^>]*src=)/);
  });
});
