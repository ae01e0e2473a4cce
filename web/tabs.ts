import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { until } from '../tests/viewcast.ts';
import { launchChromium } from './chromium.ts';

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

/**
 * Chromium notes the port that it chose in the folder of its profile, which it tells, as its whole
 * command line, where it is automated.
 */
async function debuggingAddress(browser: Browser): Promise<string> {
  const session = await browser.newBrowserCDPSession();
  const { arguments: args } = await session.send('Browser.getBrowserCommandLine');
  const folder = args.map((arg) => /^--user-data-dir=(.*)/.exec(arg)?.[1]).find(Boolean) ?? '';
  const port = await until('Chromium listens', async () => {
    const note = await readFile(join(folder, 'DevToolsActivePort'), 'utf8').catch(() => '');
    return /^(\d+)\n/.exec(note)?.[1] ?? null;
  });
  return `http://127.0.0.1:${port}`;
}
