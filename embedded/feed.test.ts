import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SubscriptionRow } from './engine.ts';
import { Feed, type OpenRequest } from './feed.ts';
import { addInto } from './row-changes.ts';
import type { SubscriptionQueue } from './subscription.ts';

const UNLIMITED = { maxAgeMs: 1e12, maxBytes: 1e12 };
const START = 1000;

/** A key that `valuesOf` can take apart: one column of one character. */
const key = (letter: string): string => `\0\0\0\u0001${letter}`;

/** A relation beside its feed, as the database is beside it. */
class World {
  readonly feed: Feed;
  readonly rows = new Map<string, number>();
  readonly #states: { readonly time: number; readonly rows: ReadonlyMap<string, number> }[] = [];

  constructor(limits = UNLIMITED) {
    this.feed = new Feed([], START, limits);
    this.#states.push({ time: START - 1, rows: new Map() });
  }

  tick(time: number, letters: string): void {
    const changes = new Map<string, number>();
    for (const letter of letters) {
      const diff = letter === letter.toUpperCase() ? -1 : 1;
      const name = key(letter.toLowerCase());
      if (diff < 0 && (this.rows.get(name) ?? 0) + (changes.get(name) ?? 0) <= 0) continue;
      addInto(changes, new Map([[name, diff]]), 1);
    }
    addInto(this.rows, changes, 1);
    this.#states.push({ time, rows: new Map(this.rows) });
    this.feed.publish(time, changes);
    this.feed.advance(time + 1);
  }

  open(request: OpenRequest): Promise<SubscriptionQueue> {
    return this.feed.open(request, async () => new Map(this.rows));
  }

  at(time: number): ReadonlyMap<string, number> {
    return this.#states.findLast((state) => state.time <= time)?.rows ?? new Map();
  }
}

function fold(rows: readonly SubscriptionRow[], upTo: bigint): Map<string, number> {
  const folded = new Map<string, number>();
  for (const row of rows) {
    if (row.kind !== 'data' || row.time > upTo) continue;
    const [value] = row.values;
    addInto(folded, new Map([[key(Buffer.from(value ?? '').toString()), row.diff]]), 1);
  }
  return folded;
}

const ticks = fc.array(
  fc.record({ gap: fc.integer({ min: 1, max: 5 }), letters: fc.stringMatching(/^[a-cA-C]{0,6}$/) }),
  { minLength: 1, maxLength: 20 },
);

test('snapshot and changes give the relation at every time, from wherever the reader starts', async () => {
  await fc.assert(
    fc.asyncProperty(ticks, fc.nat(40), fc.nat(130), async (steps, opensAt, back) => {
      const world = new World();
      let queue: SubscriptionQueue | undefined;
      let time = START;
      for (const [index, { gap, letters }] of steps.entries()) {
        if (index === opensAt % steps.length) {
          const asOf = { time: BigInt(START - 1 + back), atLeast: false };
          queue = await world.open({ snapshot: true, asOf });
        }
        time += gap;
        world.tick(time, letters);
      }
      const last = Math.max(time, START + 130) + 1;
      world.feed.advance(last);
      const rows = queue?.take(1e6) ?? [];
      const asOf = START - 1 + back;
      for (let at = asOf; at < last; at++) expect(fold(rows, BigInt(at))).toEqual(world.at(at));
      expect(rows[0]).toEqual({ kind: 'progress', time: BigInt(asOf) });
      expect(rows.at(-1)).toEqual({ kind: 'progress', time: BigInt(last) });
    }),
  );
});

test('resuming without snapshot gives exactly what came after', async () => {
  await fc.assert(
    fc.asyncProperty(ticks, fc.nat(100), async (steps, back) => {
      const world = new World();
      let time = START;
      for (const { gap, letters } of steps) {
        time += gap;
        world.tick(time, letters);
      }
      const asOf = START - 1 + (back % (time - START + 1));
      const held = new Map(world.at(asOf));
      const queue = await world.open({
        snapshot: false,
        asOf: { time: BigInt(asOf), atLeast: false },
      });
      addInto(held, fold(queue.take(1e6), BigInt(time)), 1);
      expect(held).toEqual(world.at(time));
    }),
  );
});

test('what age or size made it forget is refused, the rest is honoured', async () => {
  const world = new World({ maxAgeMs: 10, maxBytes: 1e6 });
  for (let time = START; time < START + 100; time++) world.tick(time, 'a');
  const request = (time: number) => ({
    snapshot: true,
    asOf: { time: BigInt(time), atLeast: false },
  });
  await expect(world.open(request(START + 50))).rejects.toMatchObject({ code: '22000' });
  const queue = await world.open(request(START + 95));
  expect(fold(queue.take(1e6), BigInt(START + 95))).toEqual(world.at(START + 95));
  const atLeast = await world.open({ snapshot: true, asOf: { time: 5n, atLeast: true } });
  expect(atLeast.asOf).toBeLessThanOrEqual(BigInt(START + 90));
});

test('history is bounded in bytes', async () => {
  const world = new World({ maxAgeMs: 1e12, maxBytes: 400 });
  for (let time = START; time < START + 100; time++) world.tick(time, 'a');
  await expect(
    world.open({ snapshot: true, asOf: { time: BigInt(START), atLeast: false } }),
  ).rejects.toMatchObject({ code: '22000' });
});
