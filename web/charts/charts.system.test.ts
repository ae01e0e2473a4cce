import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, NO_BROWSER } from '../chromium.ts';
import type { barRace } from './bar-race.ts';
import type { odometer } from './odometer.ts';

// The charts in a page of their own, under a clock that the tests move.

declare global {
  interface Window {
    charts: {
      barRace: typeof barRace;
      odometer: typeof odometer;
      draw(lines: readonly (readonly [string, number])[], ms: number): void;
    };
  }
}

let browser: Browser | undefined;
let script: string;
let page: Page;

beforeAll(async () => {
  if (NO_BROWSER !== '') return;
  script = await bundle();
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
});

beforeEach(async () => {
  if (browser === undefined) return;
  page = await browser.newPage();
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1_000);
  await page.addScriptTag({ content: script });
  await page.evaluate(() => {
    const { barRace } = window.charts;
    let svg: SVGSVGElement | undefined;
    window.charts.draw = (lines, ms) => {
      const leaders = lines.map(([name, count]) => ({ key: name, name, count, kind: null }));
      const motion = { reachMs: ms, placeMs: ms };
      const measure = (text: string, fontSize: number) => text.length * fontSize * 0.6;
      svg = barRace(leaders, 10, { width: 600, height: 400 }, measure, motion, svg);
      document.body.replaceChildren(svg);
    };
  });
  return () => page.close();
});

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('test-entry.ts', import.meta.url)),
        formats: ['iife'],
        name: 'charts',
      },
    },
  });
  const [output] = Array.isArray(built) ? built : [];
  const code = output?.output[0].code;
  if (code === undefined) throw new Error('expected vite to return one bundle');
  return `${code}\nwindow.charts = { ...charts };`;
}

interface SeenBar {
  readonly y: number;
  readonly width: number;
  readonly value: string;
}

/** The bars as they stand at this moment, by name. */
function seen(): Promise<Record<string, SeenBar>> {
  return page.evaluate(() => {
    const bars = [...document.querySelectorAll('.bar')].map((bar) => [
      bar.querySelector('title')?.textContent ?? '',
      {
        y: Number(/,(.*)\)/.exec(bar.getAttribute('transform') ?? '')?.[1]),
        width: Number(bar.querySelector('rect')?.getAttribute('width')),
        value: bar.querySelector('.value')?.textContent ?? '',
      },
    ]);
    return Object.fromEntries(bars);
  });
}

async function draw(lines: readonly (readonly [string, number])[], ms: number): Promise<void> {
  await page.evaluate(([rows, duration]) => window.charts.draw(rows, duration), [
    lines,
    ms,
  ] as const);
}

/** How far each wheel that is seen has turned, in hundredths of a digit. */
function turns(): Promise<number[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('.wheel:not(.blank) .strip')].map((strip) => {
      const percent = Number.parseFloat(strip.style.transform.slice('translateY('.length));
      return Math.round(Math.abs(percent) * 11);
    }),
  );
}

async function roll(value: number, ms: number): Promise<void> {
  await page.evaluate(
    ([to, duration]) => {
      const previous = document.querySelector<HTMLElement>('.odometer') ?? undefined;
      document.body.replaceChildren(window.charts.odometer(to, duration, previous));
    },
    [value, ms] as const,
  );
}

describe.skipIf(NO_BROWSER !== '')(`the charts in Chromium ${NO_BROWSER}`, () => {
  test('without motion every bar is at once where it belongs', async () => {
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      0,
    );
    await draw(
      [
        ['b', 20],
        ['a', 10],
      ],
      0,
    );
    const { a, b } = await seen();
    expect(b?.value).toBe('20');
    expect((b?.y ?? 0) < (a?.y ?? 0)).toBe(true);
    // Widths are drawn in quarters of a pixel.
    expect(Math.abs((a?.width ?? 0) - (b?.width ?? 0) / 2)).toBeLessThan(0.25);
  });

  test('two bars that change places pass one another, with running numbers', async () => {
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      0,
    );
    const before = await seen();
    await draw(
      [
        ['b', 20],
        ['a', 10],
      ],
      400,
    );
    await page.clock.runFor(150);
    const between = await seen();
    const inBetween = (now = 0, from = 0, to = 0) => (now - from) * (now - to) < 0;
    expect(inBetween(between.a?.y, before.a?.y, before.b?.y)).toBe(true);
    expect(inBetween(between.b?.y, before.a?.y, before.b?.y)).toBe(true);
    expect(inBetween(Number(between.b?.value), 5, 20)).toBe(true);
    await page.clock.runFor(1_000);
    const after = await seen();
    expect(after.a?.y).toBe(before.b?.y);
    expect(after.b?.y).toBe(before.a?.y);
    expect(after.b?.value).toBe('20');
  });

  test('a new target starts from where the bar is, and the old one is forgotten', async () => {
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      0,
    );
    const start = await seen();
    await draw(
      [
        ['b', 20],
        ['a', 10],
      ],
      400,
    );
    await page.clock.runFor(150);
    const between = await seen();
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      400,
    );
    expect(await seen()).toEqual(between);
    await page.clock.runFor(1_000);
    expect(await seen()).toEqual(start);
  });

  test('a bar on its way goes on undisturbed when another one changes', async () => {
    await draw(
      [
        ['a', 10],
        ['b', 5],
        ['c', 1],
      ],
      0,
    );
    await draw(
      [
        ['b', 10],
        ['a', 10],
        ['c', 1],
      ],
      400,
    );
    // Some pixels before its end: less than a quarter of one is not drawn.
    await page.clock.runFor(250);
    const { b } = await seen();
    await draw(
      [
        ['b', 10],
        ['a', 10],
        ['c', 2],
      ],
      400,
    );
    await page.clock.runFor(100);
    const later = await seen();
    expect(later.b?.y).toBeLessThan(b?.y ?? 0);
    const before = later.b?.y;
    await page.clock.runFor(1_000);
    expect((await seen()).b?.y).toBe(before);
  });

  test('bars enter and leave through the slot below the fold, and none is left over', async () => {
    await draw([['a', 10]], 0);
    await draw([['b', 20]], 400);
    expect((await seen()).b?.y).toBe(400);
    await page.clock.runFor(150);
    const between = await seen();
    expect(between.a?.y).toBeGreaterThan(30);
    expect(between.b?.y).toBeLessThan(400);
    await page.clock.runFor(1_000);
    expect(Object.keys(await seen())).toEqual(['b']);
  });

  test('a bar that comes back while it leaves is the same bar, turned round', async () => {
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      0,
    );
    const start = await seen();
    await draw([['a', 10]], 400);
    await page.clock.runFor(150);
    await draw(
      [
        ['a', 10],
        ['b', 5],
      ],
      400,
    );
    await page.clock.runFor(1_000);
    expect(await seen()).toEqual(start);
    await draw([['a', 10]], 0);
    expect(Object.keys(await seen())).toEqual(['a']);
  });

  test('an odometer rolls over its nines and stops at the value', async () => {
    await roll(98, 0);
    expect(await turns()).toEqual([900, 800]);
    await roll(101, 400);
    await page.clock.runFor(1_000);
    expect(await turns()).toEqual([100, 0, 100]);
    await roll(5, 400);
    expect(await turns()).toEqual([500]);
  });
});
