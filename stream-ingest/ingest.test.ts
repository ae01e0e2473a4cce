import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minuteOf2021, readUnpacked, recordingsMissing } from '../tests/recordings.ts';
import { runs } from '../tests/runs.ts';
import {
  type Behaviour,
  parseStandInEvents,
  type StandInEvent,
  startStandIn,
} from '../tests/wikimedia-stand-in.ts';
import type { ItemBatch } from './batcher.ts';
import { ingest, noCounts } from './ingest.ts';
import { KnownIds } from './known-ids.ts';
import { readLive } from './live.ts';
import { virtualClock } from './virtual-clock.ts';

/** Stands for the engine: what is committed survives, and an id that is taken is not stored again. */
class FakeStore {
  readonly ids: string[] = [];
  /**
   * Before all events: a client without a position is promised nothing, and on a slow machine its
   * first connection may be cut for its silence when everything has been sent already.
   */
  position: string | null = JSON.stringify([
    { topic: 'eqiad.mediawiki.recentchange', partition: 0, offset: -1 },
    { topic: 'codfw.mediawiki.recentchange', partition: 0, timestamp: Date.UTC(2021, 7, 26) },
  ]);
  readonly #taken = new Set<string>();

  async write(batch: ItemBatch): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const { change } of batch) {
      if (change === null || this.#taken.has(change.meta_id)) continue;
      this.#taken.add(change.meta_id);
      this.ids.push(change.meta_id);
    }
    this.position = batch.at(-1)?.position ?? this.position;
  }
}

/**
 * One life of the process: reads until `isOver`, asked after every commit. Returns what was counted.
 * With a small `window` some doubles fall to the store, as when they are old.
 */
async function live(url: string, store: FakeStore, window: number, isOver: () => boolean) {
  const stop = new AbortController();
  // Where an event was skipped the end never comes: then the counts tell.
  const deadline = setTimeout(() => stop.abort(), 30_000);
  const clock = virtualClock();
  const counts = noCounts();
  const arrivals = readLive({
    url,
    userAgent: 'viewcast/test (test@example.org)',
    position: store.position,
    clock,
    random: () => 0.5,
    signal: stop.signal,
    onNotice: () => {},
    silenceMs: 500,
    connectMs: 500,
  });
  await ingest(arrivals, {
    write: async (batch) => {
      await store.write(batch);
      if (isOver()) stop.abort();
    },
    known: new KnownIds(store.ids.slice(-window), window),
    counts,
    clock,
    signal: stop.signal,
    onMalformed: () => {},
    maxItems: 17,
  });
  clearTimeout(deadline);
  return counts;
}

/** Minutes of events, out of order by up to 15 s as the recorded ones are. */
const minutes = fc
  .array(fc.nat(15_000), { minLength: 100, maxLength: 300, size: 'max' })
  .map((steps): readonly StandInEvent[] =>
    steps.map((back, n) => ({
      json: JSON.stringify({ meta: { id: `e${n}` }, title: 'Zürich', user: `u${n % 7}` }),
      atMs: Date.UTC(2021, 7, 27) + n * 3_000 - back,
    })),
  );

const every = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });
const after = (max: number) => fc.option(fc.nat(max), { nil: undefined, freq: 2 });
const streams = fc
  .record({
    kind: fc.constant('stream' as const),
    cutAfterBytes: after(60_000),
    endAfterEvents: after(300),
    errorAfterEvents: after(300),
    repeatEvery: every,
    canaryEvery: every,
    tornEvery: every,
    pieceBytes: fc.integer({ min: 40, max: 70_000 }),
  })
  .map((stream): Behaviour => {
    const given = Object.entries(stream).filter(([, value]) => value !== undefined);
    return { kind: 'stream', ...Object.fromEntries(given) };
  });
const refusals = fc
  .constantFrom(429, 500, 503)
  .map((status): Behaviour => ({ kind: 'refuse', status, headers: { 'retry-after': '5' } }));
const stalls = fc
  .nat(40_000)
  .map((stallAfterBytes): Behaviour => ({ kind: 'stream', stallAfterBytes }));
const behaviours = fc.oneof({ weight: 16, arbitrary: streams }, refusals, stalls);

test('F22: whatever Wikimedia does and whenever we restart, each event counts once', async () => {
  const property = fc.asyncProperty(
    minutes,
    fc.array(behaviours, { maxLength: 12, size: 'max' }),
    fc.array(fc.nat(300), { maxLength: 3 }),
    async (events, plan, restarts) => {
      const standIn = await startStandIn({
        events,
        behave: (n) => plan[n] ?? { kind: 'stream' },
      });
      const store = new FakeStore();
      const isWhole = () => store.ids.length >= events.length;
      try {
        for (const atCount of restarts) {
          if (isWhole()) break;
          await live(standIn.url, store, 5, () => isWhole() || store.ids.length >= atCount);
        }
        if (!isWhole()) await live(standIn.url, store, 5, isWhole);
      } finally {
        await standIn.close();
      }
      expect([...store.ids].sort()).toEqual(events.map((_, n) => `e${n}`).sort());
    },
  );
  await fc.assert(property, { numRuns: runs(6), endOnFailure: true });
}, 120_000);

test.skipIf(recordingsMissing !== null)(
  `F22: the recorded minute, cut, doubled, torn and refused (${recordingsMissing ?? 'recordings found'})`,
  async () => {
    const events = parseStandInEvents(readUnpacked(minuteOf2021));
    const faults: Behaviour[] = [
      { kind: 'stream', cutAfterBytes: 123_457, canaryEvery: 10 },
      { kind: 'refuse', status: 429, headers: { 'retry-after': '20' } },
      { kind: 'stream', cutAfterBytes: 1_000_001, repeatEvery: 3, pieceBytes: 1_009 },
      { kind: 'stream', endAfterEvents: 1_500, tornEvery: 7 },
      { kind: 'stream', errorAfterEvents: 1_700, canaryEvery: 2 },
    ];
    const standIn = await startStandIn({ events, behave: (n) => faults[n] ?? { kind: 'stream' } });
    const store = new FakeStore();
    const counts = await live(standIn.url, store, 10_000, () => store.ids.length >= 1950);
    await standIn.close();
    expect(new Set(store.ids).size).toBe(1950);
    expect(store.ids).toHaveLength(1950);
    expect(counts.canaries).toBeGreaterThan(0);
    expect(counts.duplicates).toBeGreaterThan(1_950);
    expect(counts.malformed).toBeGreaterThan(100);
  },
);
