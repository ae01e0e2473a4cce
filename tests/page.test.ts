import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, NO_BROWSER } from '../web/chromium.ts';
import { temporaryFolder, Viewcast } from './viewcast.ts';

// The page on everything it stands on: the engine, the views of sql/, the way of a message.

const folder = temporaryFolder();
let viewcast: Viewcast;
let browser: Browser;

beforeAll(async () => {
  if (NO_BROWSER !== '') return;
  viewcast = new Viewcast([
    ...['--data', folder.path, '--generate', '100', '--port', '0', '--sql-port', '0'],
  ]);
  await viewcast.ready();
  browser = await launchChromium();
});
afterAll(async () => {
  if (NO_BROWSER !== '') return;
  await browser.close();
  await viewcast.stop();
  folder.remove();
});

describe.skipIf(NO_BROWSER !== '')(`the page on the whole system ${NO_BROWSER}`, () => {
  test('it counts, ranks each window, and shows what is said on it', async () => {
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(viewcast.page)) faults.push(request.url());
    });
    await page.goto(`${viewcast.page}/?window=1&who=bots`);
    const rows = page.locator('#leaders tbody tr');
    await rows.nth(9).waitFor({ state: 'attached' });
    expect(new Set(await page.locator('#leaders td.kind').allTextContents())).toEqual(
      new Set(['bot']),
    );
    for (const window of ['60 min', '5 min', 'Since start']) {
      await page.getByLabel(window).check();
      await rows.nth(9).waitFor({ state: 'attached' });
    }
    await page.waitForFunction('Number(document.getElementById("rate").value) > 0');
    await page.locator('.change').nth(9).waitFor();
    await page.getByLabel('Your message').fill('Said on the page');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.waitForSelector('#message-state[data-step="Archived"]');
    expect(await page.locator('#archive .said').first().textContent()).toBe('Said on the page');
    await page.getByRole('button', { name: 'About the ranking' }).click();
    await expect
      .poll(() => page.getByRole('dialog').textContent())
      .toContain('CREATE MATERIALIZED VIEW leaders AS');
    expect(faults).toEqual([]);
  });
});
