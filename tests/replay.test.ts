import pg from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, NO_BROWSER } from '../web/chromium.ts';
import { type Leader, PrefixOracle, rankRows } from './prefix-oracle.ts';
import { minuteOf2021, recordingsMissing } from './recordings.ts';
import { foldStream, readCurl, readEvents, readWebSocket, type StreamLog } from './stream-log.ts';
import { fetchCount, temporaryFolder, until, Viewcast } from './viewcast.ts';

/** The end of the recording, as the README beside it states it. */
const LEADERS: readonly Leader[] = [
  ['Keo010122Bot', 197],
  ['RudolphousBot', 103],
  ['EN-Jungwon', 93],
  ['Mr.Ibrahembot', 90],
  ['GeographBot', 72],
  ['SuccuBot', 61],
  ['DPLA bot', 59],
  ['Fæ', 59],
  ['CheWikibot', 48],
  ['Matlin', 46],
];
const EVENTS = 1_950;

/** What a moment of the page or of SQL showed. */
interface Sight {
  readonly count: number;
  readonly leaders: readonly Leader[];
}

const skipped = recordingsMissing === null ? '' : ` (skipped: ${recordingsMissing})`;
describe.skipIf(skipped !== '')(
  `a recorded minute, replayed at ten times its pace${skipped}`,
  () => {
    const folder = temporaryFolder();
    let oracle: PrefixOracle;
    let viewcast: Viewcast;
    let browser: Browser | undefined;
    const pageSights: Sight[] = [];
    const sqlSights: Sight[] = [];
    const logs: Record<string, { counter: StreamLog; top10: StreamLog }> = {};

    beforeAll(async () => {
      oracle = PrefixOracle.read(minuteOf2021);
      viewcast = new Viewcast([
        ...['--port', '0', '--sql-port', '0', '--data', folder.path],
        ...['--replay', minuteOf2021, '--speed', '10'],
      ]);
      await viewcast.ready();
      for (const [name, read] of Object.entries({ readWebSocket, readEvents, readCurl })) {
        logs[name] = {
          counter: read(viewcast.page, 'counter'),
          top10: read(viewcast.page, 'top10'),
        };
      }
      const over = { yes: false };
      const watching = [watchSql(viewcast, over, sqlSights)];
      if (NO_BROWSER === '') {
        browser = await launchChromium();
        watching.push(watchPage(browser, viewcast, over, pageSights));
      }
      await until('all are counted', async () => (await fetchCount(viewcast)) === EVENTS);
      over.yes = true;
      await Promise.all(watching);
    }, 90_000);

    afterAll(async () => {
      for (const { counter, top10 } of Object.values(logs)) {
        counter.close();
        top10.close();
      }
      await browser?.close();
      await viewcast?.stop();
      folder.remove();
    });

    test('the oracle ends with the recording’s known leaders', () => {
      expect(oracle.size).toBe(EVENTS);
      expect(oracle.leaders(EVENTS)).toEqual(LEADERS);
    });

    test.each(['readWebSocket', 'readEvents', 'readCurl'])(
      '%s: at every timestamp the top 10 is the fold of the first counter(t) events',
      async (name) => {
        const log = logs[name];
        if (log === undefined) throw new Error(`no log ${name}`);
        await until(`${name} is at the end`, () =>
          foldStream(log.top10.messages)
            .at(-1)
            ?.rows.some((row) => JSON.stringify(row) === JSON.stringify(LEADERS[0])),
        );
        const counts = foldStream(log.counter.messages).map(({ timestamp, rows }) => ({
          timestamp,
          count: Number(rows[0]?.[0]),
        }));
        const tops = foldStream(log.top10.messages);
        expect(counts.length).toBeGreaterThan(20);
        for (const [at, { timestamp, count }] of counts.entries()) {
          expect(count).toBeGreaterThanOrEqual(counts[at - 1]?.count ?? 0);
          const top = tops.findLast((each) => each.timestamp <= timestamp);
          // A stream that was opened a moment later may begin later.
          if (top !== undefined) expect(rankRows(top.rows)).toEqual(oracle.leaders(count));
        }
        expect(counts.at(-1)?.count).toBe(EVENTS);
        expect(rankRows(tops.at(-1)?.rows ?? [])).toEqual(LEADERS);
      },
    );

    test('no message after the first is empty, and timestamps rise', () => {
      for (const { counter, top10 } of Object.values(logs)) {
        for (const { messages } of [counter, top10]) {
          expect(messages[0]?.deleted).toEqual([]);
          for (const [at, message] of messages.slice(1).entries()) {
            expect(message.deleted.length + message.inserted.length).toBeGreaterThan(0);
            expect(message.timestamp).toBeGreaterThan(messages[at]?.timestamp ?? 0);
          }
        }
      }
    });

    test('SQL: every answer is the fold of a prefix that never shrinks', () => {
      expect(sqlSights.length).toBeGreaterThan(10);
      let before = 0;
      for (const { count, leaders } of sqlSights) {
        expect(count).toBeGreaterThanOrEqual(before);
        expect(leaders).toEqual(oracle.leaders(count));
        before = count;
      }
      expect(sqlSights.at(-1)).toEqual({ count: EVENTS, leaders: LEADERS });
    });

    test.skipIf(NO_BROWSER !== '')(
      `the page: the counter never falls and the bars are the fold of a prefix${NO_BROWSER}`,
      () => {
        expect(pageSights.length).toBeGreaterThan(5);
        let [count, prefix] = [0, 0];
        for (const sight of pageSights) {
          expect(sight.count).toBeGreaterThanOrEqual(count);
          count = sight.count;
          // The page's two streams may be a moment apart, so the bars' prefix is looked for.
          const shown = JSON.stringify(sight.leaders);
          while (prefix <= EVENTS && JSON.stringify(oracle.leaders(prefix)) !== shown) prefix++;
          expect(prefix, `${shown} is the top 10 of no later prefix`).toBeLessThanOrEqual(EVENTS);
        }
        expect(pageSights.at(-1)).toEqual({ count: EVENTS, leaders: LEADERS });
      },
    );
  },
);

/** Asks for both views in one statement, as of one moment, until all is over. */
async function watchSql(
  viewcast: Viewcast,
  over: { readonly yes: boolean },
  sights: Sight[],
): Promise<void> {
  const client = new pg.Client({ connectionString: viewcast.sqlUrl });
  await client.connect();
  try {
    for (let last = false; !last; ) {
      last = over.yes;
      const { rows } = await client.query(
        `SELECT (SELECT count FROM counter) AS count,
                (SELECT json_agg(json_build_array("user", count)) FROM top10) AS leaders`,
      );
      const { count, leaders } = rows[0] as { count: string; leaders: Leader[] | null };
      sights.push({ count: Number(count), leaders: rankRows(leaders ?? []) });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await client.end();
  }
}

/** Looks at the page until it shows the end. */
async function watchPage(
  browser: Browser,
  viewcast: Viewcast,
  over: { readonly yes: boolean },
  sights: Sight[],
): Promise<void> {
  const page = await browser.newPage();
  await page.goto(viewcast.page);
  await until('the page shows the end', async () => {
    const sight = await look(page);
    if (sight !== null) sights.push(sight);
    return over.yes && sight?.count === EVENTS && sight.leaders[0]?.[1] === LEADERS[0]?.[1];
  });
}

/** Null before the first rows are there. */
async function look(page: Page): Promise<Sight | null> {
  return await page.evaluate<Sight | null>(`(() => {
    const number = (text) => Number(text?.replaceAll(/\\D/g, ''));
    const counter = document.querySelector('#counter');
    const rows = [...document.querySelectorAll('#leaders tbody tr')];
    if (!counter?.getAttribute('value') || rows.length === 0) return null;
    return {
      count: number(counter.getAttribute('value')),
      leaders: rows.map((row) => [
        row.querySelector('th')?.textContent ?? '',
        number(row.querySelector('.count')?.textContent),
      ]),
    };
  })()`);
}
