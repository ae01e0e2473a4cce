import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../protocol/multiset.ts';
import type { Batch, Changes, Frontier, RowText } from '../../protocol/update.ts';
import type { LiveView, Views as ServedViews } from '../channel/view.ts';
import type { Sink } from '../upstream/sink.ts';
import { View } from './view.ts';
import type { Views } from './views.ts';

const RELATION = {
  identity: 'env-1',
  object: 'u1',
  columns: [{ name: 'user', type: 'text' }],
};
const SNAPSHOT = { snapshot: true, caughtUpAbove: null };
const GO_ON = { snapshot: false, caughtUpAbove: null };
const A = '["a"]';
const B = '["b"]';

type Event =
  | { readonly kind: 'batch'; readonly batch: Batch }
  | { readonly kind: 'reset'; readonly difference: Changes; readonly epoch: string }
  | { readonly kind: 'state'; readonly state: string };

/** A viewer without epochs: what it holds must always be what the view holds. */
function viewer(view: View) {
  const held = new Map<RowText, number>();
  const events: Event[] = [];
  view.watch({
    batch(batch) {
      events.push({ kind: 'batch', batch });
      apply(held, batch.changes);
      expect(held).toEqual(view.rows);
      expect(view.frontier).toBe(batch.upper);
    },
    reset(difference) {
      events.push({ kind: 'reset', difference, epoch: view.epoch });
      apply(held, difference);
      expect(held).toEqual(view.rows);
    },
    state(state) {
      expect(view.state).toBe(state);
      events.push({ kind: 'state', state });
    },
  });
  return {
    held,
    /** What happened since the last call. */
    take: () => events.splice(0),
  };
}

/** Feeds a whole stream: a snapshot at `at`, complete at `at + 1`. */
function snapshot(view: View, at: number, rows: readonly string[], relation = RELATION): void {
  view.start(relation, SNAPSHOT);
  for (const row of rows) view.update({ row, time: at, diff: 1 });
  view.progress(at + 1);
}

function batches(events: readonly Event[]): readonly Batch[] {
  return events.flatMap((event) => (event.kind === 'batch' ? [event.batch] : []));
}

test('the stages fit by shape: this compiles only while they do', () => {
  const asLiveView = (view: View): LiveView => view;
  const asSink = (view: View): Sink => view;
  const asViews = (views: Views): ServedViews => views;
  expect([asLiveView, asSink, asViews]).toHaveLength(3);
});

test('the first snapshot is one reset, then batches follow', () => {
  const view = new View('v');
  const { take } = viewer(view);
  expect([view.state, view.frontier, view.epoch]).toEqual(['hydrating', null, '']);
  snapshot(view, 10, [A, A]);
  expect(take()).toEqual([
    { kind: 'reset', difference: new Map([[A, 2]]), epoch: view.epoch },
    { kind: 'state', state: 'live' },
  ]);
  expect(view.epoch).toMatch(/^[\w-]{16}$/);
  view.update({ row: A, time: 12, diff: -1 });
  expect(take()).toEqual([]);
  view.progress(13);
  expect(batches(take())).toEqual([{ lower: 11, upper: 13, changes: new Map([[A, -1]]) }]);
});

test('an empty view has a first snapshot too', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 10, []);
  expect(take()[0]).toEqual({ kind: 'reset', difference: new Map(), epoch: view.epoch });
  expect(view.frontier).toBe(11);
});

test('F1: what a cut stream left open is never shown, and nothing twice', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 10, [A]);
  view.update({ row: B, time: 11, diff: 1 });
  expect(view.heldFrontier(RELATION)).toBe(11);
  view.start(RELATION, GO_ON);
  view.progress(10);
  view.update({ row: B, time: 11, diff: 1 });
  view.progress(12);
  expect(batches(take())).toEqual([{ lower: 11, upper: 12, changes: new Map([[B, 1]]) }]);
});

test('F2: a new snapshot of the same relation is one ordinary batch', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 10, [A, A]);
  const { epoch } = view;
  take();
  snapshot(view, 20, [A, B]);
  expect(take()).toEqual([
    {
      kind: 'batch',
      batch: {
        lower: 11,
        upper: 21,
        changes: new Map([
          [A, -1],
          [B, 1],
        ]),
      },
    },
  ]);
  expect(view.epoch).toBe(epoch);
  expect(view.since(epoch, 11)?.changes).toEqual(
    new Map([
      [A, -1],
      [B, 1],
    ]),
  );
  expect(view.since(epoch, 15)).toBeNull();
});

test('a new snapshot is not shown before it has reached what is shown', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 1_000, [A]);
  take();
  snapshot(view, 900, []);
  view.progress(1_001);
  expect(take()).toEqual([]);
  view.update({ row: B, time: 1_001, diff: 1 });
  view.progress(1_005);
  expect(batches(take())).toEqual([
    {
      lower: 1_001,
      upper: 1_005,
      changes: new Map([
        [A, -1],
        [B, 1],
      ]),
    },
  ]);
});

test('F4: when time has gone back there is one reset to a new epoch', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 100_000, [A]);
  const { epoch } = view;
  take();
  snapshot(view, 50_000, [B]);
  expect(take()).toEqual([
    {
      kind: 'reset',
      difference: new Map([
        [A, -1],
        [B, 1],
      ]),
      epoch: view.epoch,
    },
  ]);
  expect(view.epoch).not.toBe(epoch);
  expect(view.since(epoch, 50_001)).toBeNull();
  expect(view.heldFrontier(RELATION)).toBe(50_001);
});

test('F4: when time has gone back a little and stays there, too', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 1_000, [A]);
  take();
  snapshot(view, 900, [B]);
  expect(take()).toEqual([]);
  view.settle();
  expect(take().map(({ kind }) => kind)).toEqual(['reset']);
});

test.each([
  ['another database', { ...RELATION, identity: 'env-2' }],
  ['dropped and created anew', { ...RELATION, object: 'u2' }],
  ['other columns', { ...RELATION, columns: [{ name: 'user', type: 'bigint' }] }],
])('F18: %s is another epoch', (_, other) => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 10, [A]);
  const { epoch } = view;
  take();
  expect(view.heldFrontier(other)).toBeNull();
  snapshot(view, 5, [B], other);
  expect(take()).toEqual([
    {
      kind: 'reset',
      difference: new Map([
        [A, -1],
        [B, 1],
      ]),
      epoch: view.epoch,
    },
  ]);
  expect(view.epoch).not.toBe(epoch);
  expect(view.columns).toEqual(other.columns);
});

test('F19: a multiplicity below zero is thrown, and the repair is one ordinary batch', () => {
  const view = new View('v');
  const { take } = viewer(view);
  snapshot(view, 10, [A]);
  take();
  view.update({ row: B, time: 11, diff: -1 });
  expect(() => view.progress(12)).toThrow('reached -1');
  expect(view.heldFrontier(RELATION)).toBeNull();
  snapshot(view, 20, [A, B]);
  expect(take()).toEqual([
    { kind: 'batch', batch: { lower: 11, upper: 21, changes: new Map([[B, 1]]) } },
  ]);
  expect(view.heldFrontier(RELATION)).toBe(21);
});

test('a snapshot of the past is shown when it has caught up, with its history', () => {
  const view = new View('v');
  const { take } = viewer(view);
  view.start(RELATION, { snapshot: true, caughtUpAbove: 100 });
  view.update({ row: A, time: 10, diff: 1 });
  view.progress(11);
  view.update({ row: B, time: 50, diff: 1 });
  view.progress(100);
  expect(take()).toEqual([]);
  expect(view.frontier).toBeNull();
  view.progress(101);
  expect(take()[0]).toMatchObject({
    kind: 'reset',
    difference: new Map([
      [A, 1],
      [B, 1],
    ]),
  });
  expect(view.since(view.epoch, 50)?.changes).toEqual(new Map([[B, 1]]));
  expect(view.since(view.epoch, 51)?.changes).toEqual(new Map());
  expect(view.since(view.epoch, 10)).toBeNull();
  expect(view.since(view.epoch, 102)).toBeNull();
});

test('a snapshot of the past that does not catch up is shown when its time is up', () => {
  const view = new View('v');
  const { take } = viewer(view);
  view.start(RELATION, { snapshot: true, caughtUpAbove: 100 });
  view.settle();
  view.update({ row: A, time: 10, diff: 1 });
  view.progress(11);
  expect(take()).toEqual([]);
  view.settle();
  expect(take()[0]).toMatchObject({ kind: 'reset' });
});

test('a finished view ends and stays', () => {
  const view = new View('v');
  const { take } = viewer(view);
  view.start(RELATION, SNAPSHOT);
  view.update({ row: A, time: 0, diff: 1 });
  view.progress('end');
  expect(take().at(-1)).toEqual({ kind: 'state', state: 'ended' });
  expect([view.frontier, view.rows.get(A)]).toEqual(['end', 1]);
  expect(view.since(view.epoch, 1_000)).toEqual({ lower: 1_000, upper: 'end', changes: new Map() });
});

test('states: silence is stale, a dropped view is gone, progress makes both live', () => {
  const view = new View('v');
  const { take } = viewer(view);
  view.stale();
  expect(view.state).toBe('hydrating');
  snapshot(view, 10, [A]);
  take();
  view.stale();
  view.stale();
  view.progress(12);
  view.gone();
  view.stale();
  view.start(RELATION, GO_ON);
  view.progress(13);
  expect(take().flatMap((event) => (event.kind === 'state' ? [event.state] : []))).toEqual([
    'stale',
    'live',
    'gone',
    'live',
  ]);
});

test('resuming at any frontier equals never having left', () => {
  const stepsArb = fc.array(fc.tuple(fc.constantFrom(A, B, '["c"]'), fc.boolean()), {
    maxLength: 60,
    size: 'max',
  });
  fc.assert(
    fc.property(stepsArb, fc.array(fc.nat({ max: 59 }), { maxLength: 3 }), (steps, cuts) => {
      const view = new View('v');
      const states = new Map<Frontier, ReadonlyMap<RowText, number>>();
      viewer(view);
      snapshot(view, 99, []);
      states.set(100, new Map(view.rows));
      for (const [i, [row, add]] of steps.entries()) {
        const time = 100 + i;
        if (cuts.includes(i)) {
          view.update({ row: '["half"]', time, diff: 1 });
          view.start(RELATION, GO_ON);
        }
        view.update({ row, time, diff: add || !view.rows.has(row) ? 1 : -1 });
        view.progress(time + 1);
        states.set(time + 1, new Map(view.rows));
      }
      for (const [frontier, rows] of states) {
        const resumed = new Map(rows);
        const batch = view.since(view.epoch, Number(frontier));
        expect(batch?.lower).toBe(frontier);
        apply(resumed, batch?.changes ?? new Map());
        expect(resumed).toEqual(view.rows);
      }
    }),
  );
});
