import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Row } from '../client/rows.ts';
import { launchChromium, NO_BROWSER } from './chromium.ts';
import { formatCount } from './format.ts';
import { type LeaderColumns, leadersOf } from './leaders.ts';
import { nameText } from './name-text.ts';
import { Stand } from './stand.ts';
import { launchTabs, type Tabs } from './tabs.ts';
import { World } from './world.ts';

/** What the page shows of a ranking, top to bottom. */
export type Line = { readonly name: string; readonly count: string };

/** Long enough for a machine under load: what is awaited comes, or the test has failed. */
export const PATIENT = { timeout: 30_000 };

/** The rows of `top20`. */
const TOP: LeaderColumns = { name: 0, kind: 1, count: 2 };

/** The built page on a stand of its own for each test, in Chromium. Only tests import this. */
export class PageProbe {
  #folder = '';
  #browser: Browser | undefined;
  #tabs: Tabs | undefined;
  #stand: Stand | undefined;
  #address = '';
  /** What went wrong in the browser: errors, refused loads, requests that leave the stand. */
  faults: string[] = [];

  /** Builds the page before all tests of the file, and makes a stand before each. */
  constructor() {
    beforeAll(async () => {
      if (NO_BROWSER !== '') return;
      this.#folder = await mkdtemp(join(tmpdir(), 'viewcast-page-'));
      const root = fileURLToPath(new URL('.', import.meta.url));
      await build({ root, logLevel: 'error', build: { outDir: this.#folder, emptyOutDir: true } });
      this.#browser = await launchChromium();
    });
    afterAll(async () => {
      await this.#browser?.close();
      if (this.#folder !== '') await rm(this.#folder, { recursive: true });
    });
    beforeEach(async () => {
      if (NO_BROWSER !== '') return;
      this.faults = [];
      this.#stand = new Stand(this.#folder);
      this.#address = await this.#stand.listen();
      this.#stand.set({
        input: [['recorded', '2021-08-27', 'connected', '2026-01-01T00:00:00Z']],
        ...new World(Math.random).views(0),
      });
    });
    afterEach(async () => {
      await this.#tabs?.close();
      this.#tabs = undefined;
      for (const context of this.#browser?.contexts() ?? []) await context.close();
      await this.#stand?.close();
    });
  }

  /** The folder of the built page. */
  get folder(): string {
    return this.#folder;
  }

  get stand(): Stand {
    if (this.#stand === undefined) throw new Error('expected a stand');
    return this.#stand;
  }

  get address(): string {
    return this.#address;
  }

  /** Opens the page; what goes wrong in it is noted. @param query of its address */
  async open(options: BrowserContextOptions = {}, query = ''): Promise<Page> {
    if (this.#browser === undefined) throw new Error('expected a browser');
    const context = await this.#browser.newContext({ reducedMotion: 'reduce', ...options });
    return this.#visit(await context.newPage(), query);
  }

  /** Opens the page in a tab of a window: another tab of its context hides it. Motion is on. */
  async openTab(): Promise<Page> {
    this.#tabs = await launchTabs();
    return this.#visit(await this.#tabs.context.newPage());
  }

  async #visit(page: Page, query = ''): Promise<Page> {
    page.setDefaultTimeout(PATIENT.timeout);
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('dialog', (dialog) => this.faults.push(`dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      // What could not be loaded is Chromium's own note, not the page's.
      const text = message.text();
      if (!/^(WebSocket connection|Failed to load)/.test(text)) this.faults.push(text);
    });
    page.on('request', (request) => {
      const url = request.url();
      const isOwn = url.startsWith(this.#address) || url.startsWith('blob:');
      if (!isOwn) this.faults.push(`left the origin: ${url}`);
    });
    await page.goto(`${this.#address}${query}`);
    return page;
  }
}

/** Waits until a part shows what it holds at a timestamp. */
export async function settled(
  page: Page,
  part: 'counter' | 'leaders' | 'latest',
  timestamp: number,
): Promise<void> {
  await page.waitForSelector(`#${part}-as-of[data-timestamp="${timestamp}"]`);
}

/**
 * The counter, the bars from top to bottom, and the table beside them; with `timestamp`, as soon as
 * they are as of that.
 */
export function shownPage(
  page: Page,
  timestamp?: number,
): Promise<{ counter: string; chart: Line[]; table: Line[] }> {
  return page.evaluate(async (asOf) => {
    const time = document.getElementById('counter-as-of');
    while (asOf !== undefined && time?.dataset.timestamp !== String(asOf)) {
      await new Promise(requestAnimationFrame);
    }
    const place = (bar: Element) =>
      Number(/,(.*)\)/.exec(bar.getAttribute('transform') ?? '')?.[1]);
    const text = (node: Element, part: string) => node.querySelector(part)?.textContent ?? '';
    const bars = [...document.querySelectorAll('#chart .bar')];
    return {
      counter: document.getElementById('counter')?.textContent ?? '',
      chart: bars
        .sort((a, b) => place(a) - place(b))
        .map((bar) => ({ name: text(bar, 'title'), count: text(bar, '.value') })),
      table: [...document.querySelectorAll('#leaders tbody tr')].map((row) => ({
        name: text(row, 'th'),
        count: text(row, '.count'),
      })),
    };
  }, timestamp);
}

/** The bars from top to bottom, and the table beside them. */
export async function shownRanking(page: Page): Promise<{ chart: Line[]; table: Line[] }> {
  const { chart, table } = await shownPage(page);
  return { chart, table };
}

export const shownChart = async (page: Page): Promise<Line[]> => (await shownRanking(page)).chart;
export const shownTable = async (page: Page): Promise<Line[]> => (await shownRanking(page)).table;

/** What a ranking of rows must show; by default of rows of `top20`. */
export function expectedLines(rows: readonly Row[], columns = TOP): Line[] {
  return leadersOf(rows, columns).map(({ name, count }) => ({
    name: nameText(name),
    count: formatCount(count),
  }));
}
