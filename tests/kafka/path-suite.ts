import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rankRows } from '../prefix-oracle.ts';
import { minuteOf2021, readUnpacked, recordingsMissing } from '../recordings.ts';
import { until } from '../viewcast.ts';
import { parseStandInEvents, type StandInEvent } from '../wikimedia-stand-in.ts';
import { finalLeaders, PathJudge } from './path-judge.ts';

/** The path of production, from events to a page, whatever runs it. */
export interface Path {
  /** http://host:port */
  readonly page: string;
  /** Ends stream-ingest outright and starts it again. */
  killIngest(): Promise<void>;
  stop(): Promise<void>;
}

/** Enough of them are on their way when stream-ingest is killed. */
export const PACE_MS = 5;
const EVENTS = 600;
const LIMIT_MS = 240_000;

/** Registers the test of a path; `missing` is why it cannot run, null when it can. */
export function testPath(
  name: string,
  missing: string | null,
  start: (events: readonly StandInEvent[]) => Promise<Path>,
): void {
  const reason = missing ?? recordingsMissing;
  const skipped = reason === null ? '' : ` (skipped: ${reason})`;
  describe.skipIf(reason !== null)(`${name}${skipped}`, () => {
    const events =
      reason === null ? parseStandInEvents(readUnpacked(minuteOf2021)).slice(0, EVENTS) : [];
    let path: Path;
    let judge: PathJudge;

    beforeAll(async () => {
      path = await start(events);
      judge = new PathJudge(path.page, events);
    }, 900_000);
    afterAll(async () => {
      judge?.close();
      await path?.stop();
    });

    const rowsOf = async (view: string): Promise<readonly (readonly unknown[])[]> => {
      const response = await fetch(`${path.page}/api/views/${view}`);
      const body = (await response.json()) as { rows?: readonly (readonly unknown[])[] };
      return body.rows ?? [];
    };

    test(
      'each change counts once, and is never wrong at a closed timestamp',
      async () => {
        await until('200 events are seen', () => judge.seen >= 200, LIMIT_MS);
        await path.killIngest();
        await until('all events are seen', () => judge.seen === events.length, LIMIT_MS);
        await until('the counter is their number', async () => {
          return Number((await rowsOf('counter'))[0]?.[0]) === events.length;
        });
        expect(rankRows(await rowsOf('top10'))).toEqual(finalLeaders(events));
        await until('the input is told of', async () => {
          const [input] = await rowsOf('input');
          return JSON.stringify(input?.slice(0, 3)) === '["live","","connected"]';
        });
        expect(judge.faults).toEqual([]);
        expect(judge.judged).toBeGreaterThan(2);
      },
      LIMIT_MS * 2,
    );
  });
}
