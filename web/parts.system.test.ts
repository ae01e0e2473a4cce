import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { JSHandle, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Row } from '../client/rows.ts';
import { NO_BROWSER } from './chromium.ts';
import { formatCount } from './format.ts';
import {
  expectedLines,
  PATIENT,
  PageProbe,
  settled,
  shownChart,
  shownRanking,
} from './page-probe.ts';
import { randomFrom, World } from './world.ts';

const probe = new PageProbe();

/** A world with a past, on the stand at `at`. */
function worldAt(at: number, seed = 7): World {
  const world = new World(randomFrom(seed));
  for (let step = 0; step < 300; step++) world.step(at - 400_000 + step * 1_300);
  probe.stand.set(world.views(at), at);
  return world;
}

/** What the page must show of `leaders`: the rows of one span, wiki and perhaps kind. */
function leaders(span: string, wiki: string, kind?: string, top = 10) {
  const rows = probe.stand
    .rows('leaders')
    .filter(([s, w, k]) => s === span && w === wiki && (kind === undefined || k === kind));
  return expectedLines(rows, { name: 3, kind: 2, count: 4 }).slice(0, top);
}

const NOW = 1_700_000_000_000;

/** Lets `steps` batches follow one another, each a turn of the event loop of its own. */
async function move(world: World, steps: number): Promise<void> {
  for (let step = 1; step <= steps; step++) {
    world.step(NOW + step);
    probe.stand.set(world.counted(), NOW + step);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Puts another tab before the page. */
async function hide(page: Page): Promise<void> {
  await page.context().newPage();
  const isHidden = () => page.evaluate(() => document.hidden);
  await expect.poll(isHidden, { ...PATIENT, message: 'Chromium hides a tab' }).toBe(true);
}

/** Counts how often anything in the page's body changes while it is hidden. */
function countHiddenChanges(page: Page): Promise<JSHandle<{ hidden: number }>> {
  return page.evaluateHandle(() => {
    const changes = { hidden: 0 };
    const observer = new MutationObserver((records) => {
      if (document.hidden) changes.hidden += records.length;
    });
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    observer.observe(document.body, all);
    return changes;
  });
}

/** Runs `run` until the page has received a batch of the counter up to `timestamp`. */
async function receives(page: Page, timestamp: number, run: () => Promise<void>): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const received = new Promise<void>((resolve) => {
    session.on('Network.webSocketFrameReceived', ({ response: { payloadData: text } }) => {
      if (text.includes(`"upper":${timestamp}`) && text.includes('"counter"')) resolve();
    });
  });
  await session.send('Network.enable');
  await run();
  await received;
}

async function shows(page: Page, lines: unknown): Promise<void> {
  await expect.poll(() => shownRanking(page), PATIENT).toEqual({ chart: lines, table: lines });
}

describe.skipIf(NO_BROWSER !== '')(`parts of the page in Chromium ${NO_BROWSER}`, () => {
  test('what is chosen is asked of the server, stands in the address, and goes back', async () => {
    worldAt(NOW);
    const page = await probe.open();
    const all = expectedLines(probe.stand.rows('top20')).slice(0, 10);
    await shows(page, all);
    await page.getByLabel('5 min').check();
    await shows(page, leaders('5m', '*'));
    await page.getByLabel('Bots').check();
    await shows(page, leaders('5m', '*', 'bot'));
    await page.locator('#wiki').selectOption('enwiki');
    await shows(page, leaders('5m', 'enwiki', 'bot'));
    await page.getByLabel('20', { exact: true }).check();
    await shows(page, leaders('5m', 'enwiki', 'bot', 20));
    const { search } = new URL(page.url());
    expect(search).toBe('?window=5&who=bots&wiki=enwiki&top=20');
    const linked = await probe.open({}, search);
    await shows(linked, leaders('5m', 'enwiki', 'bot', 20));
    expect(await linked.locator('#wiki').inputValue()).toBe('enwiki');
    await page.goBack();
    await page.goBack();
    await shows(page, leaders('5m', '*', 'bot'));
    expect(await page.getByRole('radio', { name: 'Bots' }).isChecked()).toBe(true);
    await page.goBack();
    await page.goBack();
    await shows(page, all);
    expect(probe.faults).toEqual([]);
  });

  test('a filtered ranking moves with its view, and a choice without a view is told', async () => {
    const world = worldAt(NOW);
    const page = await probe.open({}, '?window=1&who=people');
    await shows(page, leaders('1m', '*', 'person'));
    for (let step = 1; step <= 10; step++) {
      world.step(NOW + step * 5_000, 30);
      probe.stand.set(world.views(NOW + step * 5_000), NOW + step * 5_000);
      await settled(page, 'leaders', NOW + step * 5_000);
      const lines = leaders('1m', '*', 'person');
      expect(await shownRanking(page)).toEqual({ chart: lines, table: lines });
    }
    probe.stand.remove('leaders');
    await page.getByLabel('5 min').check();
    await expect
      .poll(() => page.textContent('#note'), PATIENT)
      .toBe('This server has no view leaders (yet).');
  });

  test('a database that has a top10 alone is shown without what it lacks, and with it when it comes', async () => {
    for (const view of Object.keys(new World(Math.random).views(0))) probe.stand.remove(view);
    const rows: Row[] = [
      ['a', 3],
      ['b', 2],
    ];
    probe.stand.set({ top10: rows }, NOW);
    const page = await probe.open();
    await shows(page, expectedLines(rows, { name: 0, kind: -1, count: 1 }));
    const note = () => page.textContent('#latest-note');
    await expect.poll(note, PATIENT).toBe('This server has no view latest (yet).');
    for (const part of ['.total', '.rate']) {
      await page.locator(part).waitFor({ state: 'hidden' });
    }
    await page.waitForSelector('html[data-connection="live"]');
    probe.stand.set({ top10: [['b', 4]] }, NOW + 1);
    await shows(page, [{ name: 'b', count: '4' }]);
    const world = worldAt(NOW + 2);
    await page.getByLabel('20', { exact: true }).check();
    await shows(page, expectedLines(probe.stand.rows('top20')));
    await settled(page, 'counter', NOW + 2);
    expect(await page.textContent('#counter')).toBe(formatCount(world.total));
    expect(probe.faults).toEqual([]);
  });

  test('paused it stands still and counts; resumed it is at once where it should be', async () => {
    const world = worldAt(NOW);
    const page = await probe.open({ reducedMotion: 'no-preference' });
    await settled(page, 'counter', NOW);
    const before = await shownRanking(page);
    const counted = world.total;
    await page.getByRole('button', { name: 'Pause' }).click();
    await move(world, 50);
    const behind = `Paused, ${world.total - counted} changes behind`;
    await expect.poll(() => page.textContent('#behind-text'), PATIENT).toBe(behind);
    expect(await shownRanking(page)).toEqual(before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await settled(page, 'counter', NOW + 50);
    // More than two batches behind: there is no motion to wait for.
    const lines = expectedLines(probe.stand.rows('top20')).slice(0, 10);
    expect(await shownRanking(page)).toEqual({ chart: lines, table: lines });
    expect(await page.locator('#behind').isVisible()).toBe(false);
  });

  test('a hidden page draws nothing, and is at once where it should be when seen', async () => {
    const world = worldAt(NOW);
    const page = await probe.openTab();
    await settled(page, 'counter', NOW);
    await hide(page);
    const changes = await countHiddenChanges(page);
    await receives(page, NOW + 100, () => move(world, 100));
    expect(await page.getAttribute('#counter-as-of', 'data-timestamp')).toBe(String(NOW));
    expect(await changes.jsonValue()).toEqual({ hidden: 0 });
    await page.bringToFront();
    await settled(page, 'counter', NOW + 100);
    const lines = expectedLines(probe.stand.rows('top20')).slice(0, 10);
    expect(await shownRanking(page)).toEqual({ chart: lines, table: lines });
    expect(probe.faults).toEqual([]);
  });

  test('a page that is seen again takes up the views that came meanwhile', async () => {
    probe.stand.remove('top20');
    probe.stand.set({ top10: [['a', 3]] }, NOW);
    const page = await probe.openTab();
    await page.getByText('All views').click();
    await shows(page, [{ name: 'a', count: '3' }]);
    await hide(page);
    worldAt(NOW + 1);
    await page.bringToFront();
    await shows(page, expectedLines(probe.stand.rows('top20')).slice(0, 10));
    await page.locator('[data-name="top20"]').waitFor();
    expect(probe.faults).toEqual([]);
  });

  test('the newest changes and the rate are those of their views', async () => {
    worldAt(NOW);
    const page = await probe.open();
    await settled(page, 'latest', NOW);
    const titles = () => page.locator('.change .title').allTextContents();
    const newest = probe.stand
      .rows('latest')
      .toSorted((a, b) => Number(b[0]) - Number(a[0]) || (String(a[1]) < String(b[1]) ? -1 : 1))
      .slice(0, 20);
    expect(await titles()).toEqual(newest.map((row) => row[6]));
    const [first] = newest;
    const link = page.locator('.change a').first();
    expect(await link.getAttribute('href')).toBe('https://en.wikipedia.org/w/index.php?diff=2');
    expect(await page.locator('.change .user').first().textContent()).toBe(first?.[4]);
    const counts = new Map(probe.stand.rows('persecond').map(([at, n]) => [Number(at), Number(n)]));
    const recent = [1, 2, 3, 4, 5].map((ago) => counts.get(NOW / 1_000 - ago) ?? 0);
    const mean = recent.reduce((sum, n) => sum + n, 0) / 5;
    expect(Number(await page.getAttribute('#rate', 'value'))).toBeCloseTo(mean);
    await page.getByLabel('Anonymous').check();
    const anonymous =
      newest.length > 0 &&
      (() => probe.stand.rows('latest').filter((row) => row[3] === 'anonymous').length);
    if (anonymous)
      await expect
        .poll(async () => (await titles()).length, PATIENT)
        .toBe(Math.min(20, anonymous()));
  });

  test('each part tells its SQL, who watches and as of when, and can be kept', async () => {
    worldAt(NOW);
    const page = await probe.open({ acceptDownloads: true });
    await settled(page, 'leaders', NOW);
    await page.getByRole('button', { name: 'About the ranking' }).click();
    const dialog = page.getByRole('dialog', { name: 'top20' });
    await expect
      .poll(() => dialog.locator('pre').first().textContent(), PATIENT)
      .toBe('CREATE MATERIALIZED VIEW top20 AS …');
    expect(await dialog.textContent()).toContain(`1 viewer of 20 rows`);
    expect(await dialog.textContent()).toContain(`(${NOW})`);
    const keep = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name }).click(),
      ]);
      return readFile(await download.path());
    };
    const csv = (await keep('CSV')).toString();
    expect(csv.split('\r\n')).toHaveLength(22);
    expect(csv.split('\r\n')[0]).toBe('user,kind,count');
    const kept: { rows: Row[]; timestamp: number } = JSON.parse((await keep('JSON')).toString());
    expect(kept.timestamp).toBe(NOW);
    expect(expectedLines(kept.rows)).toEqual(expectedLines(probe.stand.rows('top20')));
    const png = await keep('PNG');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    // Width and height stand in the first chunk of every PNG.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1_600, 1_000]);
    await page.keyboard.press('Escape');
    expect(await dialog.isVisible()).toBe(false);
    expect(probe.faults).toEqual([]);
  });

  test('any view appears under all views, is shown as suits its rows, and is live', async () => {
    worldAt(NOW);
    const page = await probe.open();
    await page.getByText('All views').click();
    const part = (name: string) => page.locator(`[data-name="${name}"]`);
    await part('counter').locator('summary').click();
    await expect.poll(() => part('counter').locator('.single').textContent(), PATIENT).not.toBe('');
    await part('persecond').locator('summary').click();
    await part('persecond').locator('.line-chart .course[d]').waitFor({ state: 'attached' });
    await part('latest').locator('summary').click();
    await part('latest').locator('table.data tbody tr').nth(49).waitFor();
    expect(await part('mine').count()).toBe(0);
    probe.stand.set(
      {
        mine: [
          ['a', 1],
          ['b', 2],
        ],
      },
      NOW + 1,
    );
    await page.getByText('All views').click();
    await page.getByText('All views').click();
    await part('mine').locator('summary').click();
    await expect.poll(() => part('mine').locator('.bar').count(), PATIENT).toBe(2);
    probe.stand.set(
      {
        mine: [
          ['a', 1],
          ['b', 2],
          ['c', 3],
        ],
      },
      NOW + 2,
    );
    await expect.poll(() => part('mine').locator('.bar').count(), PATIENT).toBe(3);
    expect(await part('mine').getByRole('row').count()).toBe(4);
    expect(probe.faults).toEqual([]);
  });

  test('another site may show one part of the page, and never the whole', async () => {
    worldAt(NOW);
    const whole = await fetch(probe.address);
    expect(whole.headers.get('content-security-policy')).toContain("frame-ancestors 'self'");
    const page = await probe.open({}, '?embed=top10&theme=dark');
    const lines = expectedLines(probe.stand.rows('top20')).slice(0, 10);
    await expect.poll(() => shownChart(page), PATIENT).toEqual(lines);
    expect(
      await page.locator('#filters, footer, .latest, #pause').filter({ visible: true }).count(),
    ).toBe(0);
    expect(await page.getAttribute('html', 'data-theme')).toBe('dark');
    const frames = ['?embed=counter', ''].map((query) => `<iframe src="${probe.address}${query}">`);
    const site = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end(frames.join('</iframe>'));
    });
    await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
    const { port } = site.address() as AddressInfo;
    const elsewhere = await probe.open();
    await elsewhere.goto(`http://127.0.0.1:${port}`);
    const frame = (nth: number) => elsewhere.frameLocator(`iframe >> nth=${nth}`);
    await expect.poll(() => frame(0).locator('#counter').textContent(), PATIENT).not.toBe('');
    expect(await frame(1).locator('#counter').count()).toBe(0);
    site.close();
    await elsewhere.goto(`${probe.address}?embed=mine`);
    probe.stand.set(
      {
        mine: [
          ['a', 1],
          ['b', 2],
        ],
      },
      NOW + 1,
    );
    await expect.poll(() => elsewhere.locator('#embedded .bar').count(), PATIENT).toBe(2);
  });

  test('while the page comes to life, nothing in it changes its place', async () => {
    for (const [nth, width] of [360, 1_280].entries()) {
      const start = NOW + nth * 10_000;
      const world = worldAt(start);
      const page = await probe.open({ viewport: { width, height: 900 } });
      await settled(page, 'latest', start);
      await expect.poll(() => page.locator('#wiki option').count(), PATIENT).toBeGreaterThan(1);
      world.step(start + 2_000);
      probe.stand.set(world.views(start + 2_000), start + 2_000);
      await settled(page, 'latest', start + 2_000);
      const shifts = await page.evaluate(
        () =>
          new Promise<string[]>((done) => {
            const observer = new PerformanceObserver((list) => {
              // The observer's types do not know this kind of entry (Layout Instability API).
              const entries = list.getEntries() as unknown as {
                value: number;
                sources: { node: Node | null }[];
              }[];
              done(
                entries
                  .filter(({ value }) => value > 0.002)
                  .map(({ value, sources }) => {
                    const names = sources.map(({ node }) =>
                      node instanceof Element ? `${node.tagName}.${node.id || node.className}` : '',
                    );
                    return `${value.toFixed(3)}: ${names.join(', ')}`;
                  }),
              );
            });
            observer.observe({ type: 'layout-shift', buffered: true });
            // Without any there is no entry to be told of.
            setTimeout(() => done([]), 500);
          }),
      );
      expect(shifts, `${width} px`).toEqual([]);
    }
  });

  test('nothing keeps anybody out: no violation that axe-core knows, in both themes', async () => {
    worldAt(NOW);
    const axe = await readFile(
      createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
      'utf8',
    );
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await probe.open({ colorScheme });
      await settled(page, 'latest', NOW);
      await page.getByText('All views').click();
      for (const name of ['counter', 'topwikis', 'persecond', 'latest']) {
        await page.locator(`[data-name="${name}"] summary`).click();
      }
      await page.locator('[data-name="latest"] tbody tr').nth(49).waitFor();
      await page.evaluate(axe);
      expect(await violations(page), colorScheme).toEqual([]);
      await page.getByRole('button', { name: 'Table' }).click();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'About the ranking' }).click();
      await page.getByRole('dialog').locator('pre').first().waitFor();
      expect(await violations(page), `${colorScheme}, paused, with a dialog`).toEqual([]);
    }
  });
});

function violations(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const result = await axe.run();
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
