import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InputKind } from './arrival.ts';
import type { Item, ItemBatch } from './batcher.ts';
import { KnownIds } from './known-ids.ts';
import { parseRecentChange } from './recent-change.ts';
import type { Sink, SinkNotice, Stored } from './sink.ts';
import { StoreError } from './store-error.ts';

/** What happens to a step towards the other side: it is lost, or only its answer is. */
export type Fault = 'before' | 'after' | null;

export interface SinkMaking {
  readonly kind?: InputKind;
  /** Asked at each step. */
  readonly fault?: () => Fault;
}

/** One kind of sink with the other side of it, for `sinkSuite`. */
export interface SinkWorld {
  /** An empty other side. */
  clear(): Promise<void>;
  /** A process's sink, not opened. */
  make(making?: SinkMaking): { readonly sink: Sink; readonly notices: readonly SinkNotice[] };
  /** What readers see: the numbers of the changes in order, repeated where one is there twice. */
  stored(): Promise<{ readonly ids: readonly number[]; readonly position: string | null }>;
  /** As after a power cut: the other side forgets its last write. */
  forgetLast(): Promise<void>;
}

/** A change of the given number. */
export function item(n: number, fields: object = {}): Item {
  const parsed = parseRecentChange(JSON.stringify({ meta: { id: `e${n}` }, user: 'é', ...fields }));
  return { change: parsed.kind === 'change' ? parsed.change : null, position: `p${n}` };
}

/** The numbers below n. */
export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** As `ingest` does: what is known only moves the position. */
function unknown(batch: ItemBatch, known: KnownIds): ItemBatch {
  return batch.map(({ change, position }) => ({
    change: change !== null && known.add(change.meta_id) ? change : null,
    position,
  }));
}

/** Loses what is under way at the next step after `now` was set. */
function cutOnce() {
  const cut = {
    now: false,
    fault: (): Fault => {
      const fault = cut.now ? 'before' : null;
      cut.now = false;
      return fault;
    },
  };
  return cut;
}

/** What every sink owes its input. */
export function sinkSuite(name: string, world: SinkWorld): void {
  test(`${name}: position and changes agree after every fault, and nothing is doubled`, async () => {
    const faults = fc.array(fc.constantFrom<Fault>('before', 'after', null, null, null), {
      maxLength: 60,
      size: 'max',
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
    const property = fc.asyncProperty(faults, sizes, fc.nat(6), async (plan, batches, killAt) => {
      await world.clear();
      const remaining = [...plan];
      const fault = () => remaining.shift() ?? null;
      const start = async (): Promise<[Sink, Stored, KnownIds]> => {
        const { sink } = world.make({ fault });
        const stored = await sink.open();
        return [sink, stored, new KnownIds(stored.newestIds)];
      };
      let [sink, , known] = await start();
      let next = 0;
      for (const [i, size] of batches.entries()) {
        if (i === killAt) {
          // The process dies and begins again where the sink says, which is where it was.
          const [again, stored, ids] = await start();
          expect(stored.position).toBe(next === 0 ? null : `p${next - 1}`);
          [sink, known] = [again, ids];
        }
        // The item before comes again, as after a rewind.
        const items = upTo(size + 1).map((k) => item(Math.max(0, next - 1 + k)));
        await sink.write(unknown(items, known));
        next += size;
        expect(await world.stored()).toEqual({ ids: upTo(next), position: `p${next - 1}` });
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test(`${name}: what is there is known again, the position and the newest ids last`, async () => {
    await world.clear();
    const { sink } = world.make();
    expect(await sink.open()).toEqual({ position: null, newestIds: [] });
    const dated = (n: number) => item(n, { meta: { id: `e${n}`, dt: `2021-08-27T00:00:0${n}Z` } });
    await sink.write([dated(1), dated(2)]);
    await sink.write([dated(3), { change: null, position: 'p9' }]);
    await sink.close();
    expect(await world.make().sink.open()).toEqual({
      position: 'p9',
      newestIds: ['e1', 'e2', 'e3'],
    });
  });

  test(`${name}: live and generated changes never meet`, async () => {
    await world.clear();
    const live = world.make().sink;
    await live.open();
    await live.tell('connected');
    const generated = world.make({ kind: 'generated' }).sink;
    await expect(generated.open()).rejects.toThrow(StoreError);
  });

  test(`${name}: what comes back with less than it acknowledged is not written to`, async () => {
    await world.clear();
    const cut = cutOnce();
    const { sink } = world.make(cut);
    await sink.open();
    await sink.write([item(0)]);
    await sink.write([item(1)]);
    await world.forgetLast();
    cut.now = true;
    await expect(sink.write([item(2)])).rejects.toThrow(/came back at .*, and had acknowledged/);
    const again = world.make().sink;
    expect((await again.open()).position).toBe('p0');
    await again.write([item(1), item(2)]);
    expect(await world.stored()).toEqual({ ids: [0, 1, 2], position: 'p2' });
  });

  test(`${name}: strange but valid events are taken`, async () => {
    await world.clear();
    const { sink, notices } = world.make();
    await sink.open();
    await sink.write([
      item(0, { user: 'a\0b\ud800c', log_params: ['\0'], id: 2 ** 53 - 1, namespace: -2 }),
      item(1, { user: undefined, type: '142', log_params: [], bot: 'yes' }),
      item(2, { meta: { id: 'e2', dt: '0001-01-01T00:00:00Z' }, comment: '"}{\\' }),
      item(3, { meta: { id: 'e3', dt: '9999-12-31T23:59:59Z' }, title: 'عربي & "x"' }),
    ]);
    expect(notices).toEqual([]);
    expect((await world.stored()).ids).toEqual([0, 1, 2, 3]);
  });
}
