/** For tests of a view: streams that feed it, and a viewer that notes what it is told. */
import { expect } from 'vitest';
import { apply } from '../../protocol/multiset.ts';
import type { Batch, Changes, RowText } from '../../protocol/update.ts';
import type { View } from './view.ts';

export const RELATION = {
  identity: 'env-1',
  object: 'u1',
  columns: [{ name: 'user', type: 'text' }],
};
export const SNAPSHOT = { snapshot: true, caughtUpAbove: null };
export const GO_ON = { snapshot: false, caughtUpAbove: null };
export const A = '["a"]';
export const B = '["b"]';

export type Event =
  | { readonly kind: 'batch'; readonly batch: Batch }
  | { readonly kind: 'reset'; readonly difference: Changes; readonly epoch: string }
  | { readonly kind: 'state'; readonly state: string };

/** A viewer without epochs: what it holds must always be what the view holds. */
export function viewer(view: View) {
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
export function snapshot(
  view: View,
  at: number,
  rows: readonly string[],
  relation = RELATION,
): void {
  view.start(relation, SNAPSHOT);
  for (const row of rows) view.update({ row, time: at, diff: 1 });
  view.progress(at + 1);
}

export function batches(events: readonly Event[]): readonly Batch[] {
  return events.flatMap((event) => (event.kind === 'batch' ? [event.batch] : []));
}
