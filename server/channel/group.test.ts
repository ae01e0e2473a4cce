import { expect, test } from 'vitest';
import { FakeView } from './fake-view.ts';
import { Group } from './group.ts';

test('a viewer whose frontier is above that of the group is ahead, whatever it holds of each view', () => {
  const first = new FakeView('first');
  const second = new FakeView('second');
  first.reset('e1', 50, new Map([['["a",1]', 1]]));
  second.reset('e2', 30, new Map());
  const group = new Group([first, second], 0);
  expect(group.position).toEqual({ frontier: 30, held: { first: 50 } });
  // Another server had left the second view behind: a batch would go from 50 to 30.
  const from = { frontier: 50, held: { second: 30 } };
  expect(group.since(from)).toEqual({ kind: 'ahead' });
  const changes = new Map([['["b",1]', 1]]);
  second.batch(60, changes);
  group.add(second, changes);
  group.advance(1);
  expect(group.position.frontier).toBe(50);
  expect(group.since(from)).toEqual({ kind: 'changes', changes: new Map() });
});

test('a viewer that is ahead in one view is so also where the history of another does not reach back', () => {
  const first = new FakeView('first');
  const straggler = new FakeView('straggler');
  first.reset('e1', 200, new Map());
  straggler.reset('e2', 120, new Map());
  const group = new Group([first, straggler], 0);
  const changes = new Map([['["a",1]', 1]]);
  first.batch(300, changes);
  group.add(first, changes);
  group.advance(3_000);
  expect(group.position).toEqual({ frontier: 300, held: { straggler: 120 } });
  // A snapshot would take it from 150 back to 120.
  expect(group.since({ frontier: 150, held: {} })).toEqual({ kind: 'ahead' });
  expect(group.since({ frontier: 150, held: { straggler: 120 } })).toEqual({ kind: 'expired' });
});
