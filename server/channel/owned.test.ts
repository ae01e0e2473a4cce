import { expect, test } from 'vitest';
import { FakeView } from './fake-view.ts';
import { Group } from './group.ts';
import { Owned } from './owned.ts';

/** A view of many rows, grown by one at each timestamp from 10 on. */
function stand() {
  const view = new FakeView('top');
  const rows = Array.from(
    { length: 20 },
    (_, at) => [JSON.stringify([`user ${at}`, 1]), 1] as const,
  );
  view.reset('e1', 10, new Map(rows));
  const group = new Group([view], 0);
  const step = (row: string, diff: number): void => {
    const changes = new Map([[row, diff]]);
    view.batch(Number(view.frontier) + 1, changes);
    group.add(view, changes);
    group.advance(Number(view.frontier));
  };
  return { view, group, owned: new Owned(group, 7), step };
}

const point = (timestamp: number) => ({ epoch: 'e1', timestamp });
const textOf = (parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString();

test('a viewer is sent a batch where one leads from what it holds, and told why where none does', () => {
  const { owned, group, step } = stand();
  step('["new",1]', 1);
  const changes = group.since({ frontier: 10, held: {} });
  const { own, reason } = owned.first(point(10), changes);
  expect([own.kind, reason]).toEqual(['batch', undefined]);
  expect(textOf(own.parts)).toContain('"lower":10');
  const whole = owned.snapshot();
  expect(textOf(whole.parts)).toContain('user 19');
  expect(owned.first(undefined, null)).toEqual({ own: whole });
  expect(owned.first(point(10), null)).toEqual({ own: whole, reason: 'epoch' });
  expect(owned.first(point(3), { kind: 'expired' })).toEqual({ own: whole, reason: 'expired' });
});

test('the snapshot goes where it is smaller than the batch', () => {
  const { view, group, owned } = stand();
  const changes = new Map([...view.rows].slice(1).map(([row]) => [row, -1] as const));
  view.batch(11, changes);
  group.add(view, changes);
  group.advance(11);
  const missing = group.since({ frontier: 10, held: {} });
  const first = owned.first(point(10), missing);
  expect(first).toEqual({ own: owned.snapshot(), reason: 'smaller' });
  expect(owned.since({ frontier: 10, held: {} })).toBe(first.own);
});

test('many who come back from one position share one encoding, until the position moves', () => {
  const { owned, step } = stand();
  step('["new",1]', 1);
  const held = { frontier: 10, held: {} };
  const own = owned.since(held);
  expect(owned.since({ ...held })).toBe(own);
  expect(owned.snapshot()).toBe(owned.snapshot());
  step('["newer",1]', 1);
  expect(textOf(owned.since(held).parts)).toContain('newer');
});
