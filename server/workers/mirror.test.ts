import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../protocol/multiset.ts';
import type { RowText } from '../../protocol/update.ts';
import { runs } from '../../tests/runs.ts';
import { History, type HistoryLimits } from '../view/history.ts';
import { View } from '../view/view.ts';
import { RELATION } from '../view/view-fixture.ts';
import { MirrorViews } from './mirror-views.ts';
import { decodeEvents } from './pack.ts';
import { ViewFeed } from './view-feed.ts';

/** Small enough that random histories reach both limits. */
const LIMITS: HistoryLimits = { ageMs: 60, bytes: 2_000 };
const OTHER = { ...RELATION, object: 'u2' };

/** The main thread's views, moved by hand. */
class Source {
  discovered = false;
  readonly views = new Map<string, View>();
  readonly #listeners = new Set<
    Parameters<ConstructorParameters<typeof ViewFeed>[0]['watch']>[0]
  >();

  all(): readonly View[] {
    return [...this.views.values()];
  }

  watch(listener: Parameters<ConstructorParameters<typeof ViewFeed>[0]['watch']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(name: string): void {
    if (this.views.has(name)) return;
    const view = new View(name, LIMITS);
    this.views.set(name, view);
    for (const listener of this.#listeners) listener.added(view);
  }

  remove(name: string): void {
    const view = this.views.get(name);
    this.views.delete(name);
    if (view !== undefined) for (const listener of this.#listeners) listener.removed(view);
  }

  discover(): void {
    if (this.discovered) return;
    this.discovered = true;
    for (const listener of this.#listeners) listener.discovered();
  }
}

/** A worker, but for the thread. */
class Mirror {
  readonly views = new MirrorViews((start) => new History(start, LIMITS));
  /** By view: what a viewer holds that hears batches and resets, and knows no epochs. */
  readonly held = new Map<string, Map<RowText, number>>();

  constructor(feed: ViewFeed) {
    this.views.watch({
      added: (view) => {
        const held = new Map(view.rows);
        this.held.set(view.name, held);
        view.watch({
          batch: (batch) => {
            apply(held, batch.changes);
            expect([view.frontier, held]).toEqual([batch.upper, view.rows]);
          },
          reset: (difference) => {
            apply(held, difference);
            expect(held).toEqual(view.rows);
          },
          state: (state) => expect(view.state).toBe(state),
        });
      },
      removed: (view) => this.held.delete(view.name),
    });
    feed.join((texts) => this.views.take(texts));
  }
}

/** Steps of a random life; times are relative to the newest frontier. */
const name = fc.constantFrom('a', 'b');
const row = fc.constantFrom('["x"]', '["y"]', '["z"]');
const relation = fc.constantFrom(RELATION, OTHER);
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), name }),
  fc.record({ kind: fc.constant('remove' as const), name }),
  fc.record({ kind: fc.constant('discover' as const) }),
  fc.record({ kind: fc.constant('join' as const) }),
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({ kind: fc.constant('state' as const), name, gone: fc.boolean() }),
  fc.record({
    kind: fc.constant('snapshot' as const),
    name,
    relation,
    // Back by more than the view waits for: a regress, a new generation.
    ahead: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(-6_000)),
    rows: fc.array(row, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('advance' as const),
    name,
    updates: fc.array(fc.record({ row, after: fc.nat(30), add: fc.boolean() }), { maxLength: 6 }),
    by: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(200)),
    end: fc.integer({ min: 0, max: 40 }).map((chance) => chance === 0),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(source: Source, one: Step): void {
  const view = 'name' in one ? source.views.get(one.name) : undefined;
  const frontier = view?.frontier ?? 10_000;
  const now = frontier === 'end' ? 10_000 : frontier;
  if (one.kind === 'add') source.add(one.name);
  else if (one.kind === 'remove') source.remove(one.name);
  else if (one.kind === 'discover') source.discover();
  else if (one.kind === 'state') one.gone ? view?.gone() : view?.stale();
  else if (one.kind === 'snapshot') {
    view?.start(one.relation, { snapshot: true, caughtUpAbove: null });
    for (const text of one.rows) view?.update({ row: text, time: now + one.ahead, diff: 1 });
    view?.progress(now + one.ahead + 1);
  } else if (one.kind === 'advance' && view !== undefined && typeof view.frontier === 'number') {
    advance(view, view.frontier, one);
  }
}

function advance(view: View, now: number, one: Extract<Step, { kind: 'advance' }>): void {
  const rows = new Map(view.rows);
  const times = one.updates
    .map(({ after }) => now + Math.min(after, one.by - 1))
    .sort((a, b) => a - b);
  one.updates.forEach(({ row: text, add }, at) => {
    const many = rows.get(text) ?? 0;
    const diff = add || many === 0 ? 1 : -1;
    rows.set(text, many + diff);
    view.update({ row: text, time: times[at] ?? now, diff });
  });
  view.progress(one.end ? 'end' : now + one.by);
}

function expectEqual(source: Source, { views, held }: Mirror): void {
  expect(views.discovered).toBe(source.discovered);
  expect(views.all().map((view) => view.name)).toEqual([...source.views.keys()]);
  for (const view of source.all()) {
    const mirror = views.get(view.name);
    if (mirror === undefined) throw new Error(`no mirror of ${view.name}`);
    const { columns, definition, identity, epoch, frontier, state, rows } = view;
    expect({
      columns: mirror.columns,
      definition: mirror.definition,
      identity: mirror.identity,
      epoch: mirror.epoch,
      frontier: mirror.frontier,
      state: mirror.state,
      rows: mirror.rows,
      held: held.get(view.name),
    }).toEqual({ columns, definition, identity, epoch, frontier, state, rows, held: rows });
    const top = frontier === 'end' || frontier === null ? 10_300 : frontier + 2;
    for (let lower = top - 130; lower <= top; lower++) {
      expect(mirror.since(epoch, lower)).toEqual(view.since(epoch, lower));
    }
    expect(mirror.since('another epoch', top - 3)).toBeNull();
  }
}

test('a mirror that joins at any moment equals the original in rows, frontier and every difference', () => {
  const lives = fc.array(step, { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(lives, (steps) => {
      const source = new Source();
      let turn: (() => void)[] = [];
      const feed = new ViewFeed(source, (done) => turn.push(done));
      const mirrors = [new Mirror(feed)];
      const flush = () => {
        for (const done of turn.splice(0)) done();
        for (const mirror of mirrors) expectEqual(source, mirror);
      };
      source.add('a');
      for (const one of steps) {
        if (one.kind === 'join') mirrors.push(new Mirror(feed));
        else if (one.kind === 'flush') flush();
        else run(source, one);
      }
      flush();
      feed.stop();
      turn = [];
    }),
    { numRuns: runs(300) },
  );
});

test('all of one turn is told at once, and each worker is told the same', () => {
  const source = new Source();
  source.add('a');
  const turn: (() => void)[] = [];
  const feed = new ViewFeed(source, (done) => turn.push(done));
  const told: (readonly string[])[] = [];
  for (let worker = 0; worker < 3; worker++) feed.join((texts) => told.push(texts));
  expect(told.splice(0)).toHaveLength(3);
  const view = source.views.get('a');
  view?.start(RELATION, { snapshot: true, caughtUpAbove: null });
  for (let time = 1; time <= 16; time++) view?.progress(time);
  expect(told).toHaveLength(0);
  for (const done of turn.splice(0)) done();
  expect(told).toHaveLength(3);
  const events = told.map((texts) => texts.map((text) => decodeEvents(text).length));
  expect(events).toEqual([[17], [17], [17]]);
  expect(told[1]).toBe(told[0]);
});
