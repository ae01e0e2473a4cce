import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BatchMessage, ResumePoint, Subscribe } from '../protocol/message.ts';
import { difference } from '../protocol/multiset.ts';
import { rowValues } from '../protocol/row.ts';
import type { Changes } from '../protocol/update.ts';
import { Feed } from './feed.ts';
import { StreamBreak, StreamGroup } from './stream-group.ts';
import type { StreamMessage } from './stream-message.ts';

const COLUMNS = [
  { name: 'user', type: 'text' },
  { name: 'count', type: 'bigint' },
];
const entryOf = (name: string) => ({ name, epoch: `epoch-${name}`, columns: COLUMNS });
const requestOf = (views: Subscribe['views'], from?: ResumePoint): Subscribe => ({
  type: 'subscribe',
  id: 's1',
  views,
  ...(from === undefined ? {} : { from }),
});
const groupOf = (views: Subscribe['views'], from?: ResumePoint) =>
  new StreamGroup(
    requestOf(views, from),
    1,
    views.map(({ view }) => entryOf(view)),
  );

/** What leads from one state to the next, or the next one as a whole. */
function messageOf(from: Changes, to: Changes, timestamp: number, snapshot = false): StreamMessage {
  const changes = snapshot ? to : difference(from, to);
  const rows = (sign: number) =>
    [...changes].flatMap(([text, diff]) =>
      Array.from({ length: Math.max(0, sign * diff) }, () => rowValues(text)),
    );
  return { deleted: rows(-1), inserted: rows(1), timestamp, snapshot };
}

const rowsOf = (feed: Feed, view: string): Changes =>
  new Map([...(feed.rows(view)?.entries() ?? [])].map(([text, , n]) => [text, n]));

const texts = fc.constantFrom('["a",1]', '["a",2]', '["b",1]', '["__proto__",0]');
const states = fc
  .array(fc.tuple(texts, fc.integer({ min: 1, max: 2 })), { maxLength: 4 })
  .map((rows): Changes => new Map(rows));
/** What comes next: a state of a view, as a change or as a whole, and whether a batch is taken. */
const steps = fc.array(
  fc.record({
    view: fc.constantFrom('v', 'w'),
    state: states,
    snapshot: fc.boolean(),
    flush: fc.boolean(),
  }),
);

/** Takes a batch into a feed; every one must fit. */
function apply(feed: Feed, batch: BatchMessage | null): void {
  if (batch !== null) expect(feed.take(batch)).toMatchObject({ upper: batch.upper });
}

test.each([
  ['several views', ['v', 'w']],
  ['one view', ['v']],
])('%s: the batches of streams fit each other, and fold to what the streams said', (_, names) => {
  fc.assert(
    fc.property(steps, (all) => {
      const group = groupOf(names.map((view) => ({ view })));
      const feed = new Feed(names);
      feed.begin(group.subscribed());
      const held = new Map<string, Changes>();
      let time = 10;
      for (const { view, state, snapshot, flush } of all) {
        if (!names.includes(view)) continue;
        time += 1;
        const before = held.get(view);
        const message = messageOf(before ?? new Map(), state, time, snapshot);
        group.message(view, message, `epoch-${view}.${time}`);
        held.set(view, state);
        if (flush) apply(feed, group.flush());
        if (!flush || held.size < names.length) continue;
        for (const name of names) expect(rowsOf(feed, name)).toEqual(held.get(name));
        expect(feed.frontier).toBe(time);
      }
      apply(feed, group.flush());
      expect(feed.known).toBe(held.size === names.length);
    }),
  );
});

test('a filter lets through what it names', () => {
  const group = groupOf([{ view: 'v', where: { user: 'a' } }]);
  const state: Changes = new Map([
    ['["a",1]', 1],
    ['["b",1]', 1],
  ]);
  group.message('v', messageOf(new Map(), state, 5), null);
  expect(group.flush()?.changes).toEqual({ v: [[1, ['a', 1]]] });
  expect(() => groupOf([{ view: 'v', where: { nope: 1 } }])).toThrow('there is no column nope');
});

test('one view goes on from the token it holds, at once; several begin anew', () => {
  const from = { epoch: 'epoch-v', timestamp: 7 };
  const group = groupOf([{ view: 'v' }], from);
  expect(group.token).toBe('epoch-v.7');
  expect(group.subscribed().resumed).toBe('batch');
  expect(group.flush()).toMatchObject({ lower: 7, upper: 7, changes: {} });
  expect(group.flush()).toBeNull();
  group.message('v', messageOf(new Map(), new Map([['["a",1]', 1]]), 9), null);
  expect(group.flush()).toMatchObject({ lower: 7, upper: 9 });
  expect(groupOf([{ view: 'v' }], { ...from, epoch: 'other' }).token).toBeNull();
  expect(groupOf([{ view: 'v' }, { view: 'w' }], from).token).toBeNull();
});

test('quiet moves the frontier, of the views that have it proved', () => {
  const group = groupOf([{ view: 'v' }, { view: 'w' }]);
  group.quiet('v', 'epoch-v.3');
  expect(group.flush()).toBeNull();
  for (const view of ['v', 'w']) group.message(view, messageOf(new Map(), new Map(), 5), null);
  expect(group.flush()).toMatchObject({ lower: null, upper: 5 });
  group.quiet('w', 'epoch-w.8');
  expect(group.flush()).toEqual({
    type: 'batch',
    channel: 1,
    lower: 5,
    upper: 8,
    changes: {},
    held: { v: 5 },
  });
  expect(group.flush()).toBeNull();
  expect(group.flush(true)).toMatchObject({ lower: 8, upper: 8, held: { v: 5 } });
});

test('a view made anew, and time that goes back, end the group', () => {
  const group = groupOf([{ view: 'v' }]);
  group.message('v', messageOf(new Map(), new Map(), 5), 'epoch-v.5');
  expect(() => group.message('v', messageOf(new Map(), new Map(), 6), 'other.6')).toThrow(
    StreamBreak,
  );
  expect(() => group.message('v', messageOf(new Map(), new Map(), 4), null)).toThrow(StreamBreak);
  expect(() => group.quiet('v', 'epoch-v.x')).toThrow(StreamBreak);
});
