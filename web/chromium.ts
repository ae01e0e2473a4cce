import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

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
