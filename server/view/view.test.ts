import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../protocol/multiset.ts';
import type { Frontier, RowText } from '../../protocol/update.ts';
import type { LiveView, Views as ServedViews } from '../channel/view.ts';
import type { Sink } from '../upstream/sink.ts';
import { View } from './view.ts';
import { A, B, batches, GO_ON, RELATION, SNAPSHOT, snapshot, viewer } from './view-fixture.ts';
import type { Views } from './views.ts';

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
