import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import { hashOf } from '../../protocol/hash.ts';
import { add } from '../../protocol/multiset.ts';
import { serverMessageSchema } from '../../protocol/schema.ts';
import type { Changes, Diff, Frontier, RowText } from '../../protocol/update.ts';
import { runs } from '../../tests/runs.ts';
import { BatchChannels } from './batch-channels.ts';
import type { BatchSeat, HeldPoint } from './batch-member.ts';
import { type FakeView, FakeViews } from './fake-view.ts';
import { groupEpoch } from './group.ts';

const limits = { highBytes: 1_500, lowBytes: 400, lagMs: 60_000 };
const NOTHING: Changes = new Map();

/** Time that is moved by hand. */
class Time {
  nowMs = 0;
  #due: { atMs: number; run: () => void }[] = [];

  after(ms: number, run: () => void): void {
    this.#due.push({ atMs: this.nowMs + ms, run });
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#due
        .filter(({ atMs }) => atMs <= endMs)
        .toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((one) => one !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
}

/** A client that holds PROTOCOL.md's invariants against what it is sent. */
class Client {
  readonly rows = new Map<string, Map<RowText, Diff>>();
  readonly pipe: string[] = [];
  readonly topics = new Set<string>();
  readonly resumed: string[] = [];
  epoch = '';
  channel = 0;
  frontier: Frontier | null = null;
  held: Readonly<Record<string, Frontier>> = {};
  progress = 0;
  batches = 0;
  closed: CloseCode | null = null;
  gone = false;
  seat: BatchSeat | null = null;
  acknowledges = true;
  stale = false;
  onMark: () => void = () => {};
  #parts: { changes: [string, [number, unknown[]][]][]; next: number } | null = null;

  send(bytes: Uint8Array): void {
    expect(this.closed).toBeNull();
    this.pipe.push(Buffer.from(bytes).toString());
  }

  bufferedBytes(): number {
    return this.pipe.reduce((sum, text) => sum + text.length, 0);
  }

  enter(topic: string): void {
    expect(this.topics.size).toBe(0);
    this.topics.add(topic);
  }

  leave(topic: string): void {
    expect(this.topics.delete(topic)).toBe(true);
  }

  ended(): void {
    this.gone = true;
  }

  close(reason: CloseCode): void {
    this.closed = reason;
    this.topics.clear();
  }

  read(count = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0 && this.pipe.length > 0; left--) {
      this.#take(JSON.parse(this.pipe.shift() ?? ''));
    }
    if (this.closed !== null) return;
    this.seat?.drained();
    if (this.acknowledges && this.frontier !== null) this.seat?.acknowledged(this.frontier);
  }

  readAll(): void {
    while (this.pipe.length > 0) this.read();
  }

  #take(value: unknown): void {
    const message = serverMessageSchema.parse(value);
    if (message.type === 'archived') {
      this.onMark();
      return;
    }
    if (message.type === 'subscribed') {
      this.resumed.push(message.reason ?? message.resumed);
      if (message.epoch !== this.epoch) this.frontier = null;
      this.epoch = message.epoch;
      this.channel = message.channel;
      this.#parts = null;
      return;
    }
    if (!('channel' in message)) throw new Error(`unexpected ${message.type}`);
    expect(message.channel).toBe(this.channel);
    if (message.type === 'status') this.stale = message.state === 'stale';
    else if (message.type === 'progress') {
      expect(this.#parts).toBeNull();
      for (const [view, hash] of Object.entries(message.hash)) {
        expect(hash).toBe(hashOf(this.rows.get(view) ?? NOTHING));
      }
      this.progress += 1;
      this.#stand(message.upper, message.held);
    } else if (message.type === 'batch') {
      const { part = 0, parts = 1 } = message;
      const before = part === 0 ? [] : (this.#parts?.changes ?? []);
      expect(part).toBe(part === 0 ? 0 : this.#parts?.next);
      const changes = [...before, ...(Object.entries(message.changes) as typeof before)];
      this.#parts = part + 1 < parts ? { changes, next: part + 1 } : null;
      if (this.#parts === null) this.#apply(message.lower, changes, message.upper, message.held);
    }
  }

  #apply(
    lower: Frontier | null,
    changes: readonly (readonly [string, readonly (readonly [number, readonly unknown[]])[]])[],
    upper: Frontier,
    held: Readonly<Record<string, Frontier>> = {},
  ): void {
    this.batches += 1;
    if (lower === null) this.rows.clear();
    else expect(lower).toBe(this.frontier);
    for (const [view, entries] of changes) {
      const rows = this.rows.get(view) ?? new Map<RowText, Diff>();
      this.rows.set(view, rows);
      for (const [diff, row] of entries) add(rows, JSON.stringify(row), diff);
      expect([...rows.values()].every((count) => count > 0)).toBe(true);
    }
    this.#stand(upper, held);
  }

  #stand(upper: Frontier, held: Readonly<Record<string, Frontier>> = {}): void {
    if (typeof this.frontier === 'number')
      expect(Number(upper)).toBeGreaterThanOrEqual(this.frontier);
    this.frontier = upper;
    this.held = held;
  }
}

class Stand {
  readonly time = new Time();
  readonly views = new FakeViews();
  readonly clients: Client[] = [];
  published = 0;
  readonly channels = new BatchChannels(this.views, {
    publish: (topic, bytes) => {
      this.published += 1;
      for (const client of this.clients) if (client.topics.has(topic)) client.send(bytes);
    },
    nowMs: () => this.time.nowMs,
    after: (ms, run) => this.time.after(ms, run),
    limits,
    observer: { published: () => {}, caughtUp: () => {} },
  });

  view(name: string): FakeView {
    return (this.views.get(name) as FakeView | undefined) ?? this.views.add(name);
  }

  get isOneDatabase(): boolean {
    return this.view('one').identity === this.view('two').identity;
  }

  join(
    names: readonly string[],
    more: {
      where?: Record<string, string>;
      everyMs?: number;
      from?: HeldPoint;
      client?: Client;
    } = {},
  ): Client {
    const wanted = names.map((view) => (more.where ? { view, where: more.where } : { view }));
    const channel = this.channels.get(wanted, more.everyMs ?? 0);
    if ('code' in channel) throw new Error(channel.message);
    const client = more.client ?? new Client();
    this.clients.push(client);
    const seat = channel.join(client, 'id', more.from);
    if (typeof seat === 'string') throw new Error(`refused: ${seat}`);
    client.seat = seat;
    return client;
  }

  tick(ms: number): void {
    for (let left = ms; left > 0; left -= 250) {
      this.time.pass(Math.min(250, left));
      this.channels.tick();
    }
  }
}

const rowTexts = ['["a",1]', '["a",2]', '["b",2]', `["c","${'x'.repeat(200)}"]`, '["d",null]'];
const multiset = fc
  .array(fc.tuple(fc.constantFrom(...rowTexts), fc.integer({ min: 1, max: 3 })))
  .map((entries): Changes => new Map(entries));
const name = fc.constantFrom('one', 'two');
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('move' as const),
        view: name,
        by: fc.integer({ min: 1, max: 4 }),
        rows: fc.option(multiset),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('join' as const),
        views: fc.constantFrom(['one'], ['two'], ['one', 'two']),
        everyMs: fc.constantFrom(0, 0, 700),
        where: fc.constantFrom(undefined, undefined, { user: 'a' }),
        acknowledges: fc.constantFrom(true, true, false),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        who: fc.nat(),
        count: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(3_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('reset' as const),
        view: name,
        rows: multiset,
        database: fc.constantFrom('db', 'db', 'other'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('resume' as const),
        who: fc.nat(),
        view: name,
        told: fc.constantFrom(0, 0, 0, 1, 50),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('cut' as const),
        view: name,
        reach: fc.constantFrom(1, 2, 4, Number.POSITIVE_INFINITY),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), who: fc.nat(), ahead: fc.nat(3) }),
    },
  ),
  { maxLength: 80, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

interface Asked {
  readonly views: readonly string[];
  readonly everyMs: number;
  readonly where?: Record<string, string>;
}
const asked = new Map<Client, Asked>();

/** A frontier that a viewer waits for. */
interface Wait {
  readonly client: Client;
  readonly epoch: string;
  readonly frontier: number;
  readonly seat: BatchSeat;
  runs: number;
}
const waits: Wait[] = [];
const MARK = crypto.randomUUID();

function walk(stand: Stand, step: Step, at: number): void {
  const { clients } = stand;
  switch (step.do) {
    case 'move': {
      const view = stand.view(step.view);
      const changes = new Map(step.rows ?? []);
      if (step.rows !== null) for (const [row, count] of view.rows) add(changes, row, -count);
      view.batch(Number(view.frontier) + step.by, changes);
      stand.time.pass(0);
      break;
    }
    case 'join': {
      const { views, everyMs, where } = step;
      if (views.length > 1 && !stand.isOneDatabase) {
        expect(() => stand.join(views, { everyMs })).toThrow('refused: hydrating');
        stand.clients.pop();
        break;
      }
      const client = stand.join(views, { everyMs, ...(where ? { where } : {}) });
      client.acknowledges = step.acknowledges;
      asked.set(client, { views, everyMs, ...(where ? { where } : {}) });
      break;
    }
    case 'read':
      clients[step.who % Math.max(1, clients.length)]?.read(step.count);
      break;
    case 'pass':
      stand.tick(step.ms);
      break;
    case 'reset':
      stand.view(step.view).reset(`epoch${at}`, 1_000 + at, step.rows, step.database);
      break;
    case 'resume': {
      const client = clients[step.who % Math.max(1, clients.length)];
      if (client !== undefined) resume(stand, client, step);
      break;
    }
    case 'cut':
      stand.view(step.view).reach = step.reach;
      break;
    case 'wait': {
      const client = clients[step.who % Math.max(1, clients.length)];
      if (client !== undefined) wait(stand, client, step.ahead);
    }
  }
}

/** Waits for a frontier; that it was shown is marked in what the viewer is sent. */
function wait(stand: Stand, client: Client, ahead: number): void {
  const [view = 'one'] = asked.get(client)?.views ?? [];
  const { seat, closed } = client;
  if (seat === null || closed !== null) return;
  const frontier = Number(stand.view(view).frontier) + ahead;
  const one: Wait = { client, epoch: epochOf(stand, client), frontier, seat, runs: 0 };
  waits.push(one);
  seat.whenShown(frontier, () => {
    one.runs += 1;
    if (client.closed !== null || client.seat !== seat) return;
    client.onMark = () => {
      if (epochOf(stand, client) === one.epoch) expectShown(stand, one);
    };
    const mark = { type: 'archived', id: MARK, timestamp: frontier };
    client.send(Buffer.from(JSON.stringify(mark)));
    // All before the mark was sent first: reading it now asks for nothing more.
    client.readAll();
  });
}

const epochOf = (stand: Stand, client: Client): string =>
  (asked.get(client)?.views ?? []).map((view) => stand.view(view).epoch).join();

/** What the viewer holds is what each view was at the frontier, or at some time since. */
function expectShown(stand: Stand, { client, frontier }: Wait): void {
  for (const view of asked.get(client)?.views ?? []) {
    const at = Number(client.held[view] ?? client.frontier);
    const first = Math.max(at, frontier);
    const times = Math.max(1, Number(stand.view(view).frontier) - first + 1);
    const shown = Array.from({ length: times }, (_, n) => truth(stand, client, view, first + n));
    expect(shown).toContainEqual(new Map(client.rows.get(view) ?? NOTHING));
  }
}

/**
 * Comes back with what it holds, on a connection of its own. Another server has told it more of one
 * view perhaps: it is kept waiting where this one does not know that yet, and never taken back.
 */
function resume(
  stand: Stand,
  client: Client,
  { view, told }: { readonly view: string; readonly told: number },
): void {
  if (client.frontier === null || client.closed !== null) return;
  const left = client.seat;
  client.seat = null;
  left?.leave();
  client.pipe.length = 0;
  const { views = [], everyMs = 0, where } = asked.get(client) ?? {};
  const channel = stand.channels.get(
    views.map((each) => (where ? { view: each, where } : { view: each })),
    everyMs,
  );
  if ('code' in channel) throw new Error(channel.message);
  const timestamp = client.frontier;
  const known = Number(stand.view(view).frontier);
  const epoch = groupEpoch(views.map((each) => stand.view(each).epoch));
  const isTold = told > 0 && views.includes(view) && client.epoch === epoch;
  const held = isTold ? { ...client.held, [view]: known + told } : client.held;
  const seat = channel.join(client, 'id', { epoch: client.epoch, timestamp, held });
  if (isTold) expect(seat).toBe(views.length > 1 && !stand.isOneDatabase ? 'hydrating' : 'ahead');
  if (typeof seat === 'string') client.close(CLOSE.draining);
  else client.seat = seat;
}

/** What a client must hold: each view at its own frontier. */
function truth(
  stand: Stand,
  client: Client,
  view: string,
  at: Frontier | null = client.held[view] ?? client.frontier,
): Changes {
  const rows = stand.view(view).at(Number(at)) ?? NOTHING;
  const where = asked.get(client)?.where;
  return where === undefined ? rows : new Map([...rows].filter(([row]) => row.startsWith('["a"')));
}

test('all who read hold their views, each at its frontier, whatever their filter, group and pace', () =>
  fc.assert(
    fc.property(steps, (walked) => {
      const stand = new Stand();
      asked.clear();
      waits.length = 0;
      for (const view of ['one', 'two']) stand.view(view).reset(`${view}0`, 100, NOTHING);
      for (const [at, step] of walked.entries()) walk(stand, step, at);
      const { identity } = stand.view('one');
      if (!stand.isOneDatabase) stand.view('two').reset('last', 5_000, NOTHING, identity);
      for (let round = 0; round < 4; round++) {
        // An upstream tells progress at least once a second, and its views come to one time: who
        // caught up with the others exactly is shown with the next of it.
        const views = ['one', 'two'].map((each) => stand.view(each));
        const next = Math.max(...views.map(({ frontier }) => Number(frontier))) + 1;
        for (const view of views) view.batch(next, NOTHING);
        stand.tick(3_000);
        for (const client of stand.clients) client.readAll();
      }
      // Whoever acknowledges nothing and lags is sent away.
      stand.tick(limits.lagMs);
      for (const client of stand.clients) {
        if (client.closed !== null) continue;
        const { views = [] } = asked.get(client) ?? {};
        for (const view of views) {
          const held = client.rows.get(view) ?? NOTHING;
          expect(new Map(held)).toEqual(truth(stand, client, view));
        }
      }
      for (const one of waits) {
        expect(one.runs).toBeLessThanOrEqual(1);
        const views = (asked.get(one.client)?.views ?? []).map((view) => stand.view(view));
        const reached = views.every(({ frontier }) => Number(frontier) >= one.frontier);
        if (reached || one.client.closed !== null || one.client.seat !== one.seat) {
          expect(one.runs).toBe(1);
        }
      }
    }),
    { numRuns: runs(400) },
  ));

test('S10: rows of two databases are never shown together', () => {
  const stand = new Stand();
  const [one, two] = [stand.view('one'), stand.view('two')];
  one.reset('e', 10, new Map([['["a",1]', 1]]));
  two.reset('f', 10, new Map([['["b",1]', 1]]));
  const client = stand.join(['one', 'two']);
  client.readAll();
  const before = client.epoch;
  one.reset('g', 500, new Map([['["c",1]', 1]]), 'other');
  one.batch(501, new Map([['["c",2]', 1]]));
  stand.tick(20_000);
  expect(client.pipe).toEqual([]);
  expect(() => stand.join(['one', 'two'])).toThrow('refused: hydrating');
  stand.clients.pop();
  two.reset('h', 500, NOTHING, 'other');
  client.readAll();
  expect(client.epoch).not.toBe(before);
  expect(client.resumed).toEqual(['snapshot', 'epoch']);
  two.batch(502, new Map([['["d",1]', 1]]));
  one.batch(502, NOTHING);
  stand.tick(2_000);
  client.readAll();
  expect(client.frontier).toBe(502);
  expect([...(client.rows.get('one') ?? [])]).toEqual([...one.rows]);
  expect([...(client.rows.get('two') ?? [])]).toEqual([...two.rows]);
});

test('a batch is published once for all its viewers, and quiet is proved 1 s after it', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const clients = [1, 2, 3].map(() => stand.join(['one']));
  view.batch(2, new Map([['["a",1]', 1]]));
  stand.time.pass(0);
  expect(stand.published).toBe(1);
  view.batch(3, NOTHING);
  stand.tick(1_000);
  expect(stand.published).toBe(2);
  for (const client of clients) client.readAll();
  expect(clients.map(({ progress, frontier }) => [progress, frontier])).toEqual([
    [1, 3],
    [1, 3],
    [1, 3],
  ]);
  stand.tick(15_000);
  expect(stand.published).toBe(3);
});

test('what came and went again before it was shown is told at the time between', () => {
  const stand = new Stand();
  const [one, two] = [stand.view('one'), stand.view('two')];
  one.reset('e', 1, NOTHING);
  two.reset('f', 1, NOTHING);
  const client = stand.join(['one', 'two']);
  one.batch(2, new Map([['["a",1]', 1]]));
  two.batch(2, NOTHING);
  one.batch(3, new Map([['["a",1]', -1]]));
  stand.tick(2_000);
  // Its hashes are compared as they come.
  client.readAll();
  expect([client.frontier, client.rows.get('one')?.size]).toEqual([2, 1]);
});

test('changes reach only the filters that they touch', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const clients = ['a', 'b', 'c'].map((user) => stand.join(['one'], { where: { user } }));
  view.batch(2, new Map([['["b",1]', 1]]));
  stand.time.pass(0);
  expect(stand.published).toBe(1);
  for (const client of clients) client.readAll();
  expect(clients.map(({ batches }) => batches)).toEqual([1, 2, 1]);
});

test('everyMs: the first batch at once, then no more often, and none is lost', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const client = stand.join(['one'], { everyMs: 500 });
  for (let at = 2; at < 102; at++) {
    view.batch(at, new Map([[`["a",${at}]`, 1]]));
    stand.time.pass(20);
  }
  stand.time.pass(500);
  expect(stand.published).toBeLessThanOrEqual(6);
  client.readAll();
  expect(client.rows.get('one')?.size).toBe(100);
});

test.each([0, 2_000, 60_000])(
  'a view that never rests is proved every 15 s, everyMs %i',
  (everyMs) => {
    const stand = new Stand();
    const view = stand.view('one');
    view.reset('e', 1, NOTHING);
    const client = stand.join(['one'], { everyMs });
    let proved = 0;
    for (let at = 2; at < 302; at++) {
      view.batch(at, new Map([[`["a",${at}]`, 1]]));
      stand.tick(200);
      // The hash is compared with what is held.
      client.readAll();
      if (at % 75 !== 0) continue;
      expect(client.progress).toBeGreaterThan(proved);
      proved = client.progress;
    }
    expect(proved).toBeLessThanOrEqual(5);
  },
);

test('who joins or resumes between two batches gets what the channel has shown, and no more', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, new Map([['["a",0]', 1]]));
  const first = stand.join(['one'], { everyMs: 500 });
  for (const at of [2, 3]) {
    view.batch(at, new Map([[`["a",${at}]`, 1]]));
    stand.time.pass(0);
  }
  const joined = stand.join(['one'], { everyMs: 500 });
  const client = new Client();
  Object.assign(client, { epoch: 'e', frontier: 1 });
  client.rows.set('one', new Map([['["a",0]', 1]]));
  const resumed = stand.join(['one'], { everyMs: 500, from: { epoch: 'e', timestamp: 1 }, client });
  for (const one of [first, joined, resumed]) {
    one.readAll();
    expect([one.frontier, one.rows.get('one')]).toEqual([2, view.at(2)]);
  }
  stand.time.pass(500);
  for (const one of [first, joined, resumed]) {
    one.readAll();
    expect([one.frontier, one.rows.get('one')]).toEqual([3, view.at(3)]);
  }
});

test('a view that stands still holds the others up for 2 s, is named, and returns', () => {
  const stand = new Stand();
  const [one, two] = [stand.view('one'), stand.view('two')];
  one.reset('e', 1, NOTHING);
  two.reset('f', 1, NOTHING);
  const client = stand.join(['one', 'two']);
  client.read();
  stand.tick(3_000);
  one.batch(5, new Map([['["a",1]', 1]]));
  two.batch(3, new Map([['["b",1]', 1]]));
  stand.tick(1_750);
  client.readAll();
  expect([client.frontier, client.held]).toEqual([3, {}]);
  one.batch(6, NOTHING);
  stand.tick(500);
  one.batch(7, new Map([['["a",2]', 1]]));
  stand.tick(500);
  client.readAll();
  expect([client.frontier, client.held]).toEqual([7, { two: 3 }]);
  two.batch(8, new Map([['["b",2]', 1]]));
  one.batch(8, NOTHING);
  stand.tick(500);
  client.readAll();
  expect([client.frontier, client.held]).toEqual([8, {}]);
  expect(client.rows.get('two')?.size).toBe(2);
});

test('a viewer that does not acknowledge leaves the channel and is closed with 4008 after 60 s', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const mute = stand.join(['one']);
  const good = stand.join(['one']);
  mute.acknowledges = false;
  for (let at = 2; at < 80; at++) {
    view.batch(at, new Map([[`["a",${at}]`, 1]]));
    stand.time.pass(0);
    good.read();
    // Between two ticks, too, a viewer costs no more than the limit, one batch and what is swept.
    expect(mute.bufferedBytes()).toBeLessThan(limits.highBytes + 2 * limits.lowBytes);
  }
  mute.read();
  stand.tick(250);
  expect(mute.topics.size).toBe(0);
  expect(good.rows.get('one')).toEqual(view.rows);
  stand.tick(59_000);
  expect(mute.closed).toBeNull();
  stand.tick(2_000);
  expect(mute.closed).toBe(CLOSE.lagging);
  expect(good.closed).toBeNull();
});

test('F5: a laggard that acknowledges all at last catches up, however much was published meanwhile', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const slow = stand.join(['one']);
  const fast = stand.join(['one']);
  slow.acknowledges = false;
  for (let at = 2; at < 2_000; at++) {
    view.batch(at, new Map([[`["a",${at}]`, 1]]));
    stand.time.pass(0);
    fast.read();
  }
  slow.read();
  expect(slow.topics.size).toBe(0);
  slow.acknowledges = true;
  slow.read();
  slow.readAll();
  expect(slow.frontier).toBe(view.frontier);
  expect(slow.topics.size).toBe(1);
  expect(slow.rows.get('one')).toEqual(view.rows);
});

test('a large snapshot travels in parts, paced by the connection, and is joined by one batch', () => {
  const stand = new Stand();
  const view = stand.view('one');
  const rows = new Map(Array.from({ length: 20_000 }, (_, at) => [`["row ${at}",${at}]`, 1]));
  view.reset('e', 1, rows);
  const client = stand.join(['one']);
  expect(client.pipe.length).toBeLessThan(4);
  let reads = 0;
  for (let at = 2; client.frontier === null || client.pipe.length > 0; at++) {
    view.batch(at, new Map([[`["new",${at}]`, 1]]));
    stand.time.pass(0);
    client.read(2);
    reads += 1;
    expect(client.bufferedBytes()).toBeLessThan(300_000);
  }
  stand.tick(250);
  client.readAll();
  expect(reads).toBeGreaterThan(5);
  expect(client.rows.get('one')).toEqual(view.rows);
});

test('a resumed viewer gets the batch, or the snapshot with the reason', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, new Map([['["a",1]', 1]]));
  for (let at = 2; at < 30; at++) view.batch(at, new Map([[`["b",${at}]`, 1]]));
  const resumed = (epoch: string, timestamp: Frontier): string | undefined => {
    const client = stand.join(['one'], { from: { epoch, timestamp } });
    client.frontier = epoch === 'e' ? timestamp : null;
    client.epoch = epoch;
    client.read(1);
    return client.resumed[0];
  };
  expect(resumed('e', 28)).toBe('batch');
  expect(resumed('e', 29)).toBe('batch');
  expect(resumed('e', 0)).toBe('expired');
  expect(resumed('d', 28)).toBe('epoch');
  expect(() => resumed('e', 31)).toThrow('refused: ahead');
  view.batch(30, new Map([...view.rows].map(([row, count]) => [row, -count])));
  stand.time.pass(0);
  expect(resumed('e', 5)).toBe('smaller');
});

test('stale and live are told, a dropped view ends its subscriptions after 5 s', () => {
  const stand = new Stand();
  const view = stand.view('one');
  view.reset('e', 1, NOTHING);
  const client = stand.join(['one']);
  view.become('stale');
  client.readAll();
  expect(client.stale).toBe(true);
  const late = stand.join(['one']);
  late.readAll();
  expect(late.stale).toBe(true);
  view.become('live');
  client.readAll();
  expect(client.stale).toBe(false);
  view.become('gone');
  stand.tick(4_000);
  expect(client.gone).toBe(false);
  stand.tick(1_500);
  expect(client.gone).toBe(true);
  expect(client.closed).toBeNull();
  expect(stand.channels.size).toBe(0);
});
