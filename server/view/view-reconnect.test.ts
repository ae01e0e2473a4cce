import { expect, test } from 'vitest';
import { View } from './view.ts';
import { A, B, batches, GO_ON, RELATION, snapshot, viewer } from './view-fixture.ts';

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
