import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row, StreamMessage } from './stream-message.ts';
import { ViewRows } from './view-rows.ts';

const row = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'b', '__proto__', null), fc.integer({ min: 0, max: 2 })),
  fc.tuple(fc.string(), fc.constantFrom(true, '1', 1)),
);
const rows = fc.array(row, { maxLength: 8 });

function message(held: readonly Row[], next: readonly Row[]): StreamMessage {
  return { deleted: held, inserted: next, timestamp: 1, snapshot: false };
}

function sorted(list: readonly Row[]): string[] {
  return list.map((one) => JSON.stringify(one)).sort();
}

test('folding what changed from state to state holds each state, row for row', () => {
  fc.assert(
    fc.property(fc.array(rows), (states) => {
      const view = new ViewRows();
      let held: readonly Row[] = [];
      for (const state of states) {
        view.take(message(held, state));
        held = state;
        expect(sorted(view.list())).toEqual(sorted(state));
      }
    }),
  );
});

test('a snapshot takes the place of whatever was held', () => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const view = new ViewRows();
      view.take(message([], before));
      view.take({ ...message([], after), snapshot: true });
      expect(sorted(view.list())).toEqual(sorted(after));
    }),
  );
});

test('a message that deletes a row that is not there changes nothing', () => {
  const view = new ViewRows();
  view.take(message([], [['a', 1]]));
  expect(() => view.take(message([['b', 1]], [['c', 1]]))).toThrow('["b",1]');
  expect(view.list()).toEqual([['a', 1]]);
});

test('one of two equal rows can be deleted', () => {
  const view = new ViewRows();
  view.take(message([], [['a'], ['a']]));
  view.take(message([['a']], []));
  expect(view.list()).toEqual([['a']]);
});
