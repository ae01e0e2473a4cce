import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../tests/runs.ts';
import { View } from '../view/view.ts';
import { systemClock } from './clock.ts';
import { RecordedServer, type RecordedServerOptions } from './recorded-server.ts';
import { missing, type Recording, readRecordings } from './recording.ts';
import { Upstream } from './upstream.ts';

const recordings = missing === null ? readRecordings() : [];
const why = missing === null ? '' : ` (skipped: ${missing})`;
const { REQUIRE_ALL, VIEWCAST_DATA } = process.env;
const skip = missing !== null && (REQUIRE_ALL !== '1' || VIEWCAST_DATA === undefined);

/** The view at a frontier, judged from the recording alone. */
function viewAt({ rows, fields }: Recording, frontier: number): ReadonlyMap<string, number> {
  const folded = new Map<string, number>();
  for (const row of rows) {
    if (row[1] !== 'f' || Number(row[0]) >= frontier) continue;
    const values = row.slice(3).map((it, i) => (fields[i + 3]?.typeOid === 25 ? it : Number(it)));
    const key = JSON.stringify(values);
    folded.set(key, (folded.get(key) ?? 0) + Number(row[2]));
  }
  for (const [key, multiplicity] of folded) if (multiplicity === 0) folded.delete(key);
  return folded;
}

/** Follows a recording to its end by a real client; gives the frontiers and resets it showed. */
async function replay(options: RecordedServerOptions) {
  const { recording } = options;
  const times = recording.rows.map((row) => Number(row[0]));
  const end = Math.max(
    ...recording.rows.filter((row) => row[1] === 't').map((row) => Number(row[0])),
  );
  const server = new RecordedServer(options);
  const url = await server.listen();
  const skew = (times[0] ?? 0) - 2_000 - Date.now();
  const upstream = new Upstream({
    url,
    report: () => {},
    random: () => 0,
    clock: { now: () => Date.now() + skew, after: systemClock.after },
  });
  const view = new View('v');
  const frontiers: number[] = [];
  let resets = 0;
  let stop = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        const frontier = Number(view.frontier);
        frontiers.push(frontier);
        try {
          expect(view.rows).toEqual(viewAt(recording, frontier));
        } catch (error) {
          reject(error);
        }
        if (frontier >= end) resolve();
      };
      view.watch({
        batch: check,
        reset: () => {
          resets++;
          check();
        },
        state: () => {},
      });
      const following = upstream.follow('v', view);
      stop = () => following.stop();
    });
  } finally {
    stop();
    await server.close();
  }
  return { frontiers, resets, view, statements: server.statements };
}

const whole = { pieces: [], cuts: [], history: false };
const top6 = recordings.find(({ file }) => file.startsWith('06'));
const byName = recordings.map((it, i) => [`${it.file} #${i}: ${it.statement}`, it] as const);

test.skipIf(skip)(`there are recordings to judge by${why}`, () => {
  expect(missing).toBeNull();
  expect(recordings.length).toBeGreaterThanOrEqual(20);
});

test.skipIf(skip).each(byName)(
  '%s: every frontier shows what was recorded',
  async (_, recording) => {
    const { frontiers, resets } = await replay({ ...whole, recording });
    expect(resets).toBe(1);
    expect(frontiers).toEqual([...frontiers].sort((a, b) => a - b));
    const recorded = recording.rows.filter((row) => row[1] === 't').map((row) => Number(row[0]));
    // Every progress row but those before the snapshot was complete (two at most) was shown.
    expect(frontiers).toEqual([...new Set(recorded)].slice(-frontiers.length));
    expect(new Set(recorded).size - frontiers.length).toBeLessThanOrEqual(2);
  },
);

test.skipIf(skip)(`cut into pieces anywhere, the bytes mean the same${why}`, async () => {
  if (top6 === undefined) throw new Error('the recording of top6 is missing');
  const uncut = await replay({ ...whole, recording: top6 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }),
      async (pieces) => {
        const { frontiers, resets } = await replay({ ...whole, recording: top6, pieces });
        expect({ frontiers, resets }).toEqual({ frontiers: uncut.frontiers, resets: 1 });
      },
    ),
    { numRuns: runs(10) },
  );
});

test.skipIf(skip).each([true, false])(
  `F1: cut anywhere, nothing partial is shown, nothing twice, no reset (history: %s)${why}`,
  async (history) => {
    if (top6 === undefined) throw new Error('the recording of top6 is missing');
    const total = new RecordedServer({ ...whole, recording: top6 }).streamBytes;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: total - 1 }), { minLength: 1, maxLength: 3 }),
        async (cuts) => {
          const { frontiers, resets, statements } = await replay({
            recording: top6,
            pieces: [],
            cuts,
            history,
          });
          expect(resets).toBe(1);
          expect(statements.length).toBeGreaterThan(1);
          expect(frontiers).toEqual([...new Set(frontiers)].sort((a, b) => a - b));
        },
      ),
      { numRuns: runs(15) },
    );
  },
);

test.skipIf(skip)(
  `F1: cut at each byte of a timestamp, and of what surrounds it${why}`,
  async () => {
    if (top6 === undefined) throw new Error('the recording of top6 is missing');
    const total = new RecordedServer({ ...whole, recording: top6 }).streamBytes;
    const middle = Math.floor(total / 2);
    for (let cut = middle; cut < middle + 120; cut += 3) {
      const { resets } = await replay({ recording: top6, pieces: [], cuts: [cut], history: true });
      expect(resets).toBe(1);
    }
  },
);
