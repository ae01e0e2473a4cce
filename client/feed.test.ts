import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf } from '../protocol/hash.ts';
import type { BatchMessage, Held, RowChange, Subscribed } from '../protocol/message.ts';
import { add, difference } from '../protocol/multiset.ts';
import { rowValues } from '../protocol/row.ts';
import type { Changes, Frontier } from '../protocol/update.ts';
import { Feed } from './feed.ts';
import { Proof } from './proof.ts';

const begun = (epoch = 'e'): Subscribed => ({
  type: 'subscribed',
  id: 's1',
  channel: 1,
  epoch,
  columns: { v: [{ name: 'a', type: 'bigint' }] },
  resumed: 'snapshot',
});

const batch = (
  lower: number | null,
  upper: Frontier,
  changes: readonly RowChange[],
  more: Partial<BatchMessage> = {},
): BatchMessage => ({ type: 'batch', channel: 1, lower, upper, changes: { v: changes }, ...more });

const proof = (upper: Frontier, rows: Changes, held?: Held) => ({
  type: 'progress' as const,
  channel: 1,
  upper,
  hash: { v: hashOf(rows) },
  ...(held === undefined ? {} : { held }),
});

const feedAt = (upper: number, rows: readonly RowChange[] = []): Feed => {
  const feed = new Feed(['v']);
  feed.begin(begun());
  feed.take(batch(null, upper, rows));
  return feed;
};

const rowsOf = (feed: Feed, view = 'v'): Map<string, number> => {
  const rows = new Map<string, number>();
  for (const [text, , multiplicity] of feed.rows(view)?.entries() ?? []) {
    rows.set(text, multiplicity);
  }
  return rows;
};

/** States of a view in order of time. */
const texts = fc.constantFrom('[1]', '[2]', '["a"]', '[null]', '["🜁"]');
const states = fc
  .array(fc.array(fc.tuple(texts, fc.integer({ min: 1, max: 3 }))), { minLength: 1, maxLength: 8 })
  .map((all) => all.map((rows): Changes => new Map(rows)));
const travelling = (changes: Changes): RowChange[] =>
  [...changes].map(([text, diff]) => [diff, rowValues(text)]);
const chainOf = (all: readonly Changes[]): BatchMessage[] =>
  all.map((state, n) =>
    n === 0
      ? batch(null, 1, travelling(state))
      : batch(n, n + 1, travelling(difference(all[n - 1] ?? new Map(), state))),
  );

test('C1: the fold of a chain is each state in turn, and repeated batches change nothing', () => {
  fc.assert(
    fc.property(states, fc.array(fc.nat()), (all, repeats) => {
      const feed = new Feed(['v']);
      feed.begin(begun());
      const chain = chainOf(all);
      chain.forEach((message, n) => {
        expect(feed.take(message)).toMatchObject({ upper: n + 1 });
        for (const repeat of repeats) {
          const earlier = chain[repeat % (n + 1)];
          if (earlier === undefined || earlier.lower === null) continue;
          if (earlier.upper !== n + 1 || earlier.changes.v?.length !== 0) {
            expect(feed.take(earlier)).toBe('ignored');
          }
        }
        expect(rowsOf(feed)).toEqual(all[n]);
        expect(feed.frontier).toBe(n + 1);
      });
    }),
  );
});

test('C1: a batch that does not continue what is held is a gap and changes nothing', () => {
  const feed = feedAt(10, [[1, [1]]]);
  for (const [lower, upper] of [
    [11, 12],
    [9, 12],
    [0, 11],
  ] as const) {
    expect(feed.take(batch(lower, upper, [[1, [2]]]))).toBe('gap');
  }
  expect(rowsOf(feed)).toEqual(new Map([['[1]', 1]]));
  expect(feed.resumePoint()).toEqual({ epoch: 'e', timestamp: 10, held: {} });
});

test('C3: a snapshot from before what is held is ignored, one at it is taken', () => {
  const feed = feedAt(10, [[1, [1]]]);
  expect(feed.take(batch(null, 9, [[1, [2]]]))).toBe('ignored');
  expect(feed.take(batch(null, 10, [[1, [2]]]))).toMatchObject({ lower: 10, upper: 10 });
  expect(rowsOf(feed)).toEqual(new Map([['[2]', 1]]));
});

test('a snapshot tells what it changes against the rows before', () => {
  fc.assert(
    fc.property(states, (all) => {
      const feed = new Feed(['v']);
      feed.begin(begun());
      const folded = new Map<string, number>();
      all.forEach((state, n) => {
        const outcome = feed.take(batch(null, n, travelling(state)));
        if (typeof outcome === 'string') throw new Error(`a snapshot was ${outcome}`);
        for (const [diff, row] of outcome.changes.get('v') ?? []) {
          add(folded, JSON.stringify(row), diff);
        }
        expect(folded).toEqual(state);
      });
    }),
  );
});

test('C2: parts count as a whole only, in order, whatever is repeated', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(5)), (parts, repeats) => {
      const feed = feedAt(1);
      for (let part = 0; part < parts; part++) {
        for (const repeat of repeats) {
          if (repeat >= part) continue;
          const again = batch(1, 2, [[1, [repeat]]], { part: repeat, parts });
          expect(feed.take(again)).toBe('ignored');
        }
        expect(rowsOf(feed).size).toBe(0);
        const outcome = feed.take(batch(1, 2, [[1, [part]]], { part, parts }));
        if (part < parts - 1) expect(outcome).toBe('pending');
        else expect(outcome).toMatchObject({ lower: 1, upper: 2 });
      }
      expect(rowsOf(feed).size).toBe(parts);
    }),
  );
});

test('C2: a part that is missing is a gap', () => {
  const feed = feedAt(1);
  expect(feed.take(batch(1, 2, [[1, [0]]], { part: 0, parts: 3 }))).toBe('pending');
  expect(feed.take(batch(1, 2, [[1, [2]]], { part: 2, parts: 3 }))).toBe('gap');
  expect(rowsOf(feed).size).toBe(0);
  expect(feed.take(batch(1, 2, [[1, [5]]]))).toMatchObject({ upper: 2 });
});

test('C2, F20: several views move together or not at all', () => {
  const feed = new Feed(['v', 'w']);
  feed.begin(begun());
  feed.take(batch(null, 1, [[1, [1]]], { changes: { v: [[1, [1]]], w: [[1, [1]]] } }));
  const broken = batch(1, 2, [], { changes: { v: [[1, [2]]], w: [[-2, [1]]] } });
  expect(feed.take(broken)).toBe('broken');
  expect(rowsOf(feed, 'v')).toEqual(new Map([['[1]', 1]]));
  expect(rowsOf(feed, 'w')).toEqual(new Map([['[1]', 1]]));
  expect(feed.resumePoint()).toBeUndefined();
});

test('a held view is resumed from its own frontier', () => {
  const feed = new Feed(['v', 'w']);
  feed.begin(begun());
  feed.take(batch(null, 5, [], { changes: {} }));
  feed.take(batch(5, 8, [[1, [1]]], { held: { w: 5 } }));
  expect(feed.resumePoint()).toEqual({ epoch: 'e', timestamp: 8, held: { w: 5 } });
  feed.take(batch(8, 9, [], { changes: { w: [[1, [1]]] } }));
  expect(feed.resumePoint()).toEqual({ epoch: 'e', timestamp: 9, held: {} });
});

test('C1: a resume may move nothing but a view that was left behind, and does so once', () => {
  const feed = new Feed(['v', 'w']);
  feed.begin(begun());
  feed.take(batch(null, 5, [], { changes: { w: [[1, ['old']]] } }));
  feed.take(batch(5, 8, [[1, [1]]], { held: { w: 5 } }));
  feed.begin(begun());
  const changes: BatchMessage['changes'] = {
    w: [
      [-1, ['old']],
      [1, ['new']],
    ],
  };
  // A server where that view is ahead of the others, and then one where it stands with them.
  const answer = batch(8, 8, [], { changes, held: { w: 9 } });
  expect(feed.take(answer)).toMatchObject({ lower: 8, upper: 8, held: { w: 9 } });
  expect(rowsOf(feed, 'w')).toEqual(new Map([['["new"]', 1]]));
  expect(feed.take(answer)).toBe('ignored');
  expect(rowsOf(feed, 'w')).toEqual(new Map([['["new"]', 1]]));
  expect(feed.take(batch(8, 7, [], { changes: {} }))).toBe('ignored');
  expect(feed.take(batch(8, 9, [], { changes: {} }))).toMatchObject({ upper: 9, held: {} });
});

test('S9: a proof of quiet moves the frontier when the hash is that of the rows', () => {
  const feed = feedAt(10, [[2, ['a']]]);
  expect(feed.prove(proof(9, new Map()), new Proof(feed))).toBe('ignored');
  expect(feed.prove(proof(12, new Map([['["a"]', 2]])), new Proof(feed))).toBe('quiet');
  expect(feed.frontier).toBe(12);
  expect(feed.prove(proof(13, new Map([['["a"]', 1]])), new Proof(feed))).toBe('broken');
  expect(feed.resumePoint()).toBeUndefined();
  feed.take(batch(null, 13, [[1, ['a']]]));
  expect(feed.prove(proof(14, new Map([['["a"]', 1]])), new Proof(feed))).toBe('quiet');
});

test('F28: a value damaged after it was applied is found by the next proof', () => {
  const row: [string] = ['a'];
  const feed = feedAt(10, [[1, row]]);
  expect(feed.prove(proof(10, new Map([['["a"]', 1]])), new Proof(feed))).toBe('quiet');
  row[0] = 'b';
  expect(feed.prove(proof(11, new Map([['["a"]', 1]])), new Proof(feed))).toBe('broken');
});

test('another epoch keeps the rows on show, but not the way on from them', () => {
  const feed = feedAt(10, [[1, [1]]]);
  feed.begin(begun('f'));
  expect(rowsOf(feed)).toEqual(new Map([['[1]', 1]]));
  expect(feed.resumePoint()).toBeUndefined();
  expect(feed.prove(proof(3, new Map([['[1]', 1]])), new Proof(feed))).toBe('gap');
  expect(feed.take(batch(10, 11, []))).toBe('gap');
  expect(feed.take(batch(null, 2, [[1, [2]]]))).toMatchObject({ lower: null, upper: 2 });
  expect(rowsOf(feed)).toEqual(new Map([['[2]', 1]]));
});

test('a finished view is resumed from its end, by an empty batch', () => {
  const feed = feedAt(10, [[1, [1]]]);
  expect(feed.take(batch(10, 'end', []))).toMatchObject({ upper: 'end' });
  expect(feed.resumePoint()).toEqual({ epoch: 'e', timestamp: 'end', held: {} });
  expect(feed.take(batch(10, 12, [[1, [3]]]))).toBe('ignored');
  const answer: BatchMessage = { ...batch(0, 'end', []), lower: 'end', changes: {} };
  expect(feed.take(answer)).toMatchObject({ lower: 'end', upper: 'end' });
  expect(rowsOf(feed).size).toBe(1);
});
