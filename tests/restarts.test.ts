import { afterEach, describe, expect, test } from 'vitest';
import { PrefixOracle, rankRows } from './prefix-oracle.ts';
import { minuteOf2021, recordingsMissing } from './recordings.ts';
import { fetchCount, fetchRows, temporaryFolder, until, Viewcast } from './viewcast.ts';

const skipped = recordingsMissing === null ? '' : ` (skipped: ${recordingsMissing})`;
const EVENTS = 1_950;

describe.skipIf(skipped !== '')(`nothing is counted twice or lost${skipped}`, () => {
  const folder = temporaryFolder();
  const instances: Viewcast[] = [];

  afterEach(async () => {
    for (const each of instances.splice(0)) await each.stop();
    folder.remove();
  });

  async function replay(speed: string): Promise<Viewcast> {
    const viewcast = new Viewcast([
      ...['--data', folder.path, '--port', '0', '--sql-port', '0'],
      ...['--replay', minuteOf2021, '--speed', speed],
    ]);
    instances.push(viewcast);
    await viewcast.ready();
    return viewcast;
  }

  async function expectTheEnd(viewcast: Viewcast): Promise<void> {
    await until('all are counted', async () => (await fetchCount(viewcast)) >= EVENTS);
    expect(await fetchCount(viewcast)).toBe(EVENTS);
    const leaders = PrefixOracle.read(minuteOf2021).leaders(EVENTS);
    await until('the leaders are the last ones', async () => {
      const rows = await fetchRows(viewcast, 'top10');
      return JSON.stringify(rankRows(rows)) === JSON.stringify(leaders);
    });
  }

  test('a replay that was stopped goes on where it was', async () => {
    const first = await replay('5');
    const before = await until('some are counted', () => fetchCount(first));
    expect(before).toBeLessThan(EVENTS);
    await first.stop();
    const second = await replay('max');
    expect(await fetchCount(second)).toBeGreaterThanOrEqual(before);
    await expectTheEnd(second);
  });

  test('a replay survives kill -9 of its parts, one after the other', async () => {
    // Slow enough that the recording does not end before the last kill.
    const viewcast = await replay('2');
    for (const part of ['engine', 'ingest', 'server', 'engine'] as const) {
      await until('some more are counted', more(viewcast));
      const pid = await until(`the ${part} runs`, () => viewcast.parts()[part] ?? null);
      process.kill(pid, 'SIGKILL');
      await until(`the ${part} is another process`, () => {
        const now = viewcast.parts()[part];
        return now !== undefined && now !== pid;
      });
      // Processes are seen at once, what they write a moment later.
      await until(`the end of the ${part} is told`, () =>
        viewcast.output.includes(`${part}: was ended by SIGKILL; starting it again`),
      );
    }
    await until('some more are counted', more(viewcast));
    await viewcast.stop();
    await expectTheEnd(await replay('max'));
  }, 120_000);

  test('a replay survives kill -9 of everything', async () => {
    const first = await replay('5');
    await until('some are counted', () => fetchCount(first));
    const { engine } = first.parts();
    first.signal('SIGKILL');
    if (engine !== undefined) process.kill(engine, 'SIGKILL');
    await first.ended;
    await expectTheEnd(await replay('max'));
  });
});

/** A condition: the count has risen since it was first asked. */
function more(viewcast: Viewcast): () => Promise<boolean> {
  let first: number | null = null;
  return async () => {
    const count = await fetchCount(viewcast);
    if (count > 0) first ??= count;
    return first !== null && count > first;
  };
}
