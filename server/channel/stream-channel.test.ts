import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import { add, difference } from '../../protocol/multiset.ts';
import type { Changes, Diff, RowText } from '../../protocol/update.ts';
import { runs } from '../../tests/runs.ts';
import { FakeView } from './fake-view.ts';
import type { Seat, StreamMember } from './member.ts';
import { parseToken, type ResumeToken } from './resume-token.ts';
import { StreamChannel } from './stream-channel.ts';
import type { StreamFormat } from './stream-message.ts';

const limits = { highBytes: 400, lowBytes: 100, lagMs: 60_000 };

/** A viewer that folds what arrives; what was sent arrives when its buffer is drained. */
class Viewer implements StreamMember {
  readonly format: StreamFormat;
  readonly replaceable: boolean;
  readonly rows = new Map<RowText, Diff>();
  readonly texts: string[] = [];
  readonly told: string[] = [];
  position: ResumeToken | null = null;
  timestamp: unknown = null;
  closed: CloseCode | null = null;
  topic: string | null = null;
  seat: Seat | null = null;
  #pipe: Uint8Array[] = [];

  constructor(format: StreamFormat, held: Changes = new Map()) {
    this.format = format;
    this.replaceable = format === 'event';
    for (const [row, count] of held) this.rows.set(row, count);
  }

  send(bytes: Uint8Array): void {
    expect(this.closed).toBeNull();
    this.#pipe.push(bytes);
  }

  bufferedBytes(): number {
    return this.#pipe.reduce((sum, bytes) => sum + bytes.byteLength, 0);
  }

  enter(topic: string): void {
    expect(this.topic).toBeNull();
    this.topic = topic;
  }

  leave(topic: string): void {
    expect(this.topic).toBe(topic);
    this.topic = null;
  }

  close(reason: CloseCode): void {
    this.closed = reason;
    this.topic = null;
  }

  /** Reads up to `count` messages. */
  drain(count = Number.POSITIVE_INFINITY): void {
    while (count > 0 && this.#pipe.length > 0) {
      this.#read(Buffer.from(this.#pipe.shift() ?? []).toString());
      count -= 1;
    }
    if (this.closed === null) this.seat?.drained();
  }

  drainAll(): void {
    while (this.#pipe.length > 0) this.drain();
  }

  #read(framed: string): void {
    const status = /^event: status\ndata: \{"state": "(\w+)"\}\n\n$/.exec(framed)?.[1];
    if (status !== undefined) {
      this.told.push(status);
      return;
    }
    const text = this.format === 'event' ? (framed.split('data: ')[1] ?? '').trim() : framed;
    this.texts.push(text);
    const message = JSON.parse(text);
    if (message.snapshot === true) this.rows.clear();
    for (const row of message.inserted) add(this.rows, JSON.stringify(row), 1);
    for (const row of message.deleted) add(this.rows, JSON.stringify(row), -1);
    expect([...this.rows.values()].every((count) => count > 0)).toBe(true);
    this.timestamp = message.timestamp;
    const id = /^id: (.*)$/m.exec(framed)?.[1];
    if (id !== undefined) this.position = parseToken(id);
  }
}

class Stand {
  readonly view = new FakeView('top10');
  readonly viewers: Viewer[] = [];
  readonly sent: string[] = [];
  nowMs = 0;
  readonly channel = new StreamChannel(this.view, 'topic 1', {
    publish: (topic, bytes) => {
      this.sent.push(Buffer.from(bytes).toString());
      for (const viewer of this.viewers) if (viewer.topic === topic) viewer.send(bytes);
    },
    nowMs: () => this.nowMs,
    limits,
    observer: { published: () => {}, caughtUp: () => {} },
  });

  join(format: StreamFormat, from?: ResumeToken | null, held?: Changes): Viewer {
    const viewer = new Viewer(format, held);
    this.viewers.push(viewer);
    viewer.seat = this.channel.join(viewer, from);
    return viewer;
  }
}

const formats: readonly StreamFormat[] = ['message', 'line', 'event'];
const rowTexts = ['["a",1]', '["b",2]', '["c",3]', '["ü \\"q\\"",4]'];
const multiset = fc
  .array(fc.tuple(fc.constantFrom(...rowTexts), fc.integer({ min: 1, max: 3 })))
  .map((entries): Changes => new Map(entries));

type Step =
  | { readonly do: 'batch' | 'reset'; readonly rows: Changes }
  | { readonly do: 'join'; readonly format: StreamFormat }
  | { readonly do: 'drain'; readonly who: number; readonly count: number }
  | { readonly do: 'tick'; readonly ms: number }
  | { readonly do: 'forget' };

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('batch' as const), rows: multiset }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), rows: multiset }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('join' as const),
        format: fc.constantFrom(...formats),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('drain' as const),
        who: fc.nat(),
        count: fc.integer({ min: 1, max: 6 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('tick' as const),
        ms: fc.integer({ min: 1, max: 30_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  ),
  { maxLength: 80, size: 'max' },
);

function walk(stand: Stand, step: Step, at: number): void {
  const { view, viewers } = stand;
  switch (step.do) {
    case 'batch': {
      if (view.frontier === null) return;
      const changes = new Map(step.rows);
      for (const [row, count] of view.rows) add(changes, row, -count);
      view.batch(Number(view.frontier) + 1 + (at % 3), changes);
      return;
    }
    case 'reset':
      view.reset(`epoch${at}`, 1_000 + at, step.rows);
      return;
    case 'join':
      stand.join(step.format);
      return;
    case 'drain':
      viewers[step.who % Math.max(1, viewers.length)]?.drain(step.count);
      return;
    case 'tick':
      stand.nowMs += step.ms;
      stand.channel.tick();
      return;
    case 'forget':
      view.reach = view.reach === 2 ? Number.POSITIVE_INFINITY : 2;
  }
}

test('every viewer, fast or slow, holds the view once it has read what it was sent', () =>
  fc.assert(
    fc.property(steps, (walked) => {
      const stand = new Stand();
      for (const [at, step] of walked.entries()) walk(stand, step, at);
      if (stand.view.frontier === null) stand.view.reset('last', 5_000, new Map());
      for (const viewer of stand.viewers) {
        viewer.drainAll();
        if (viewer.closed === null) expect(viewer.rows).toEqual(stand.view.rows);
        else expect(viewer.closed).toBe(CLOSE.lagging);
      }
      expect(stand.channel.laggards).toBe(0);
    }),
    { numRuns: runs(500) },
  ));

test('a viewer that reads at once gets each batch as it was published, none of them empty', () =>
  fc.assert(
    fc.property(fc.array(multiset), (contents) => {
      const stand = new Stand();
      stand.view.reset('e', 1, new Map());
      const viewer = stand.join('message');
      contents.forEach((rows, at) => {
        walk(stand, { do: 'batch', rows }, at);
        viewer.drain();
      });
      expect(viewer.texts.slice(1)).toEqual(stand.sent);
      for (const text of stand.sent) expect(text).not.toContain('"deleted": [], "inserted": []');
    }),
  ));

test('resuming at every timestamp equals never having left', () =>
  fc.assert(
    fc.property(fc.array(multiset, { minLength: 1 }), (contents) => {
      const stand = new Stand();
      stand.view.reset('e', 1, new Map());
      contents.forEach((rows, at) => {
        walk(stand, { do: 'batch', rows }, at);
      });
      for (const frontier of stand.view.frontiers) {
        const viewer = stand.join('event', { epoch: 'e', frontier }, stand.view.at(frontier));
        viewer.drainAll();
        expect(viewer.rows).toEqual(stand.view.rows);
        if (frontier === stand.view.frontier) expect(viewer.texts).toEqual([]);
      }
    }),
  ));

test('events tell once each time that the upstream is silent, also those who come or catch up', () => {
  const stand = new Stand();
  stand.view.reset('e', 1, new Map([['["a",1]', 1]]));
  const [early, other] = [stand.join('event'), stand.join('message')];
  const slow = stand.join('event');
  stand.view.batch(2, new Map([[JSON.stringify(['x'.repeat(limits.highBytes), 1]), 1]]));
  stand.channel.tick();
  stand.view.become('stale');
  stand.view.become('stale');
  const late = stand.join('event');
  for (const one of [early, late, slow, other]) one.drainAll();
  expect([early.told, late.told, slow.told]).toEqual([['stale'], ['stale'], ['stale']]);
  stand.view.become('live');
  for (const one of [early, late, slow, other]) one.drainAll();
  expect([early.told, late.told, slow.told]).toEqual(Array(3).fill(['stale', 'live']));
  expect([other.told, other.texts.length]).toEqual([[], 2]);
});

test('a token that is refused is answered by a snapshot that says so', () => {
  const stand = new Stand();
  stand.view.reset('e', 7, new Map([['["a",1]', 1]]));
  const refused = [{ epoch: 'other', frontier: 7 }, { epoch: 'e', frontier: 3 }, null];
  for (const from of refused) {
    const viewer = stand.join('message', from, new Map([['["old",1]', 1]]));
    viewer.drain();
    expect(viewer.rows).toEqual(stand.view.rows);
    expect(viewer.texts[0]).toContain('"snapshot": true');
  }
  const fresh = stand.join('message');
  fresh.drain();
  expect(fresh.texts[0]).toBe('{"deleted": [], "inserted": [["a",1]], "timestamp": 7}');
});

test('a view that still hydrates lets its viewers wait, and the empty view has a first message', () => {
  const stand = new Stand();
  const viewer = stand.join('line');
  viewer.drain();
  expect(viewer.texts).toEqual([]);
  stand.view.reset('e', 9, new Map());
  viewer.drain();
  expect(viewer.texts.map((text) => JSON.parse(text))).toEqual([
    { deleted: [], inserted: [], timestamp: 9 },
  ]);
});

test('F27: those behind are told with what waits for them, and closing one leaves the others', () => {
  const stand = new Stand();
  stand.view.reset('epoch', 1_000, new Map([['["a",1]', 1]]));
  const [fast, some, more] = [stand.join('message'), stand.join('message'), stand.join('event')];
  for (let at = 0; at < 20; at++) {
    stand.view.batch(1_001 + at, new Map([[`["row ${at}",${at}]`, 1]]));
    fast.drain();
    if (at === 10) stand.channel.tick();
  }
  stand.channel.tick();
  const behind = stand.channel.behind();
  expect(behind.map(({ bytes }) => bytes)).toEqual([some.bufferedBytes(), more.bufferedBytes()]);
  const [first] = behind;
  first?.close({ ...CLOSE.overloaded, retryMs: 2_000 });
  first?.close(CLOSE.overloaded);
  expect(some.closed).toEqual({ ...CLOSE.overloaded, retryMs: 2_000 });
  expect([fast.closed, more.closed]).toEqual([null, null]);
  expect([stand.channel.viewers, stand.channel.laggards]).toEqual([2, 1]);
});

test('several stopped viewers cost the fast one nothing, and are closed with 4008 after 60 s', () => {
  const stand = new Stand();
  stand.view.reset('e', 1, new Map());
  const slow = [stand.join('message'), stand.join('event'), stand.join('line')];
  const fast = stand.join('message');
  for (let at = 2; at < 200; at++) {
    const before = [...stand.view.rows.keys()].map((row): [string, number] => [row, -1]);
    stand.view.batch(at, new Map([...before, [`["somebody",${at}]`, 1]]));
    fast.drain();
    stand.channel.tick();
  }
  expect(fast.rows).toEqual(stand.view.rows);
  expect(stand.channel.laggards).toBe(3);
  for (const viewer of slow) expect(viewer.bufferedBytes()).toBeLessThan(limits.highBytes + 200);
  stand.nowMs = 59_999;
  stand.channel.tick();
  expect(slow.map(({ closed }) => closed)).toEqual([null, null, null]);
  stand.nowMs = 60_000;
  stand.channel.tick();
  expect(slow.map(({ closed }) => closed)).toEqual([CLOSE.lagging, CLOSE.lagging, CLOSE.lagging]);
  expect(stand.channel.viewers).toBe(1);
  expect(stand.channel.laggards).toBe(0);
});

test('a dropped view keeps its viewers for 5 s, in case it is created anew', () => {
  const stand = new Stand();
  stand.view.reset('e', 1, new Map([['[1]', 1]]));
  const viewer = stand.join('message');
  stand.view.become('gone');
  stand.nowMs = 4_000;
  stand.channel.tick();
  stand.view.reset('f', 9, new Map([['[2]', 1]]));
  stand.view.become('live');
  stand.nowMs = 20_000;
  stand.channel.tick();
  viewer.drain();
  expect(viewer.rows).toEqual(new Map([['[2]', 1]]));
  stand.view.become('gone');
  stand.nowMs = 25_000;
  stand.channel.tick();
  expect(viewer.closed).toBe(CLOSE.viewGone);
});

test('a viewer that left is sent nothing more, and leaving twice does no harm', () => {
  const stand = new Stand();
  stand.view.reset('e', 1, new Map());
  const viewer = stand.join('line');
  viewer.drain();
  viewer.seat?.leave();
  viewer.seat?.leave();
  stand.view.batch(2, new Map([['[1]', 1]]));
  expect(viewer.bufferedBytes()).toBe(0);
  expect(stand.channel.viewers).toBe(0);
  stand.channel.close(CLOSE.draining);
  expect(stand.view.watchers).toBe(0);
});

test('a viewer ahead of this server waits until it gets there, and never goes back in time', () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...formats),
      fc.integer({ min: 2, max: 9 }),
      fc.array(multiset, { minLength: 10, maxLength: 10 }),
      (format, ahead, contents) => {
        const stand = new Stand();
        stand.view.reset('e', 1, contents[0] ?? new Map());
        const held = contents[ahead - 1] ?? new Map();
        const viewer = stand.join(format, { epoch: 'e', frontier: ahead }, held);
        for (const [at, rows] of contents.entries()) {
          if (at > 0) stand.view.batch(at + 1, difference(stand.view.rows, rows));
          viewer.drainAll();
          stand.channel.tick();
          if (at + 1 < ahead) expect(viewer.texts).toEqual([]);
          else expect(viewer.rows).toEqual(stand.view.rows);
        }
        expect(viewer.closed).toBeNull();
      },
    ),
  ));

test('a viewer ahead of a server that does not get there is sent away after 5 s', () => {
  const stand = new Stand();
  stand.view.reset('e', 1, new Map([['["a",1]', 1]]));
  const viewer = stand.join('event', { epoch: 'e', frontier: 2 });
  stand.nowMs = 4_999;
  stand.channel.tick();
  expect(viewer.closed).toBeNull();
  stand.nowMs = 5_000;
  stand.channel.tick();
  expect(viewer.closed).toBe(CLOSE.overloaded);
  stand.view.batch(3, new Map([['["a",1]', 1]]));
  viewer.drainAll();
  expect(viewer.texts).toEqual([]);
});
