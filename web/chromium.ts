import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

/** Where Chromium is on this machine: VIEWCAST_CHROMIUM, or the usual places. */
const CHROMIUM = [
  process.env.VIEWCAST_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path));

/** Why browser tests are skipped; '' where they run. With REQUIRE_ALL=1 they fail instead. */
export const NO_BROWSER =
  CHROMIUM === undefined && process.env.REQUIRE_ALL !== '1' ? 'skipped: no Chromium here' : '';

/**
 * Starts Chromium; the caller closes it.
 *
 * @param args of its command line, more than it always has
 * @throws {Error} when this machine has none.
 */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  if (CHROMIUM === undefined) {
    throw new Error('the page is tested in Chromium: install it or set VIEWCAST_CHROMIUM');
  }
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...args] });
}

/** One window of Chromium. */
export interface Tabs {
  /** Its pages are tabs, of which the one in front is seen and all others are hidden. */
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/**
 * Starts Chromium with tabs as a reader has them; the caller closes it. Playwright makes all of its
 * own pages look seen, unless it joins a browser that is there already.
 */
export async function launchTabs(): Promise<Tabs> {
  const browser = await launchChromium(['--remote-debugging-port=0', '--enable-automation']);
  const joined = await chromium.connectOverCDP(await debuggingAddress(browser), {
    noDefaults: true,
  });
  const [context] = joined.contexts();
  if (context === undefined) throw new Error('expected a window, Chromium has none');
  const close = async () => {
    await joined.close();
    await browser.close();
  };
  return { context, close };
}

/** Chromium notes the port that it chose in the folder of its profile. */
async function debuggingAddress(browser: Browser): Promise<string> {
  const session = await browser.newBrowserCDPSession();
  const { arguments: args } = await session.send('Browser.getBrowserCommandLine');
  const folder = args.map((arg) => /^--user-data-dir=(.*)/.exec(arg)?.[1]).find(Boolean) ?? '';
  const [port] = (await readFile(join(folder, 'DevToolsActivePort'), 'utf8')).split('\n');
  return `http://127.0.0.1:${port}`;
}
