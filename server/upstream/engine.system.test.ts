import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { apply } from '../../protocol/multiset.ts';
import type { RowText } from '../../protocol/update.ts';
import type { View } from '../view/view.ts';
import { Views } from '../view/views.ts';
import { systemClock } from './clock.ts';
import { EngineProcess } from './engine-process.ts';
import type { Report } from './follower.ts';
import { Upstream } from './upstream.ts';

const DEADLINE_MS = 40_000;

let engine: EngineProcess;
const stops: (() => void)[] = [];

beforeAll(async () => {
  engine = await EngineProcess.start();
  await engine.sql(
    'CREATE TABLE edits (id bigint, "user" text)',
    'CREATE MATERIALIZED VIEW counter AS SELECT count(*) AS count FROM edits',
    'CREATE MATERIALIZED VIEW useredits AS SELECT "user", count(*) AS count FROM edits GROUP BY "user"',
  );
});

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

afterAll(async () => {
  await engine?.stop();
});

function serve(names: readonly string[] | null) {
  const reports: Report[] = [];
  const upstream = new Upstream({ url: engine.url, report: (report) => reports.push(report) });
  const views = new Views({
    names,
    follow: (name, view) => upstream.follow(name, view),
    after: systemClock.after,
  });
  stops.push(() => views.stop());
  return { views, reports, upstream };
}

/** Resolves when the condition holds; it is looked at whenever the view moves, and now and then. */
async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function need(views: Views, name: string): View {
  const view = views.get(name);
  if (view === undefined) throw new Error(`${name} is not served`);
  return view;
}

/** A viewer that knows no epochs; its rows must always be the view's. */
function watch(view: View) {
  const held = new Map<RowText, number>(view.rows);
  let resets = 0;
  const broken: string[] = [];
  const compare = () => {
    if (held.size !== view.rows.size) broken.push(`${held.size} ≠ ${view.rows.size} rows`);
  };
  view.watch({
    batch(batch) {
      apply(held, batch.changes);
      compare();
    },
    reset(difference) {
      resets++;
      apply(held, difference);
      compare();
    },
    state: () => {},
  });
  return { held, broken, resets: () => resets };
}

const describe = (view: View | undefined) =>
  `${view?.name} ${view?.state} at ${view?.frontier} with ${[...(view?.rows ?? [])].slice(0, 3).join(' ')}`;

test('it is recognised, and its materialized views are found, those to come too', async () => {
  const { views, upstream } = serve(null);
  expect(await upstream.check()).toBe('subscribe');
  await until(
    () => views.discovered && views.all().every(({ state }) => state === 'live'),
    () => views.all().map(describe).join(),
  );
  expect(
    views
      .all()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['counter', 'useredits']);
  expect(need(views, 'counter').columns).toEqual([{ name: 'count', type: 'bigint' }]);
  await engine.sql('CREATE MATERIALIZED VIEW later AS SELECT 1 AS one FROM edits');
  await until(
    () => views.get('later')?.state === 'live',
    () => describe(views.get('later')),
  );
  await engine.sql('DROP MATERIALIZED VIEW later');
  await until(
    () => views.get('later') === undefined,
    () => describe(views.get('later')),
  );
});

test('F18: a view dropped and created anew goes on in a new epoch, others untouched', async () => {
  await engine.sql('CREATE MATERIALIZED VIEW shape AS SELECT count(*) AS n FROM edits');
  const { views } = serve(null);
  await until(
    () => views.get('shape')?.state === 'live',
    () => describe(views.get('shape')),
  );
  await until(
    () => views.get('counter')?.state === 'live',
    () => describe(views.get('counter')),
  );
  const shape = need(views, 'shape');
  const { epoch } = shape;
  const counterEpoch = need(views, 'counter').epoch;
  const viewer = watch(shape);
  await engine.sql(
    'DROP MATERIALIZED VIEW shape',
    "CREATE MATERIALIZED VIEW shape AS SELECT count(*) AS n, 'x' AS label FROM edits",
  );
  await until(
    () => shape.epoch !== epoch && shape.state === 'live',
    () => describe(shape),
  );
  expect(views.get('shape')).toBe(shape);
  expect(shape.columns.map(({ name }) => name)).toEqual(['n', 'label']);
  expect(viewer.resets()).toBe(1);
  expect(viewer.broken).toEqual([]);
  expect(need(views, 'counter').epoch).toBe(counterEpoch);
  await engine.sql('DROP MATERIALIZED VIEW shape');
});

test('a view of 100,000 rows is read page after page, changed, and resumed', async () => {
  await engine.sql(
    'CREATE TABLE many (id bigint, label text)',
    'CREATE MATERIALIZED VIEW wide AS SELECT id, label FROM many',
    "INSERT INTO many SELECT i, 'label ' || i FROM generate_series(1, 100000) AS i",
  );
  const { views } = serve(['wide']);
  const wide = need(views, 'wide');
  await until(
    () => wide.rows.size === 100_000,
    () => describe(wide),
  );
  const held = Number(wide.frontier);
  await engine.sql("UPDATE many SET label = 'new' WHERE id <= 1000");
  await until(
    () => wide.rows.has('[1000,"new"]'),
    () => describe(wide),
  );
  const batch = wide.since(wide.epoch, held);
  expect(batch?.changes.size).toBe(2_000);
  expect(wide.rows.size).toBe(100_000);
  await engine.sql('DROP MATERIALIZED VIEW wide', 'DROP TABLE many');
  await until(
    () => wide.state === 'gone',
    () => describe(wide),
  );
});

test('a server that starts later honours what an earlier one gave out', async () => {
  const first = need(serve(['counter']).views, 'counter');
  await until(
    () => first.state === 'live',
    () => describe(first),
  );
  const { epoch } = first;
  const token = Number(first.frontier);
  const before = new Map(first.rows);
  await engine.sql("INSERT INTO edits VALUES (1001, 'a'), (1002, 'b')");
  await until(
    () => !first.rows.has([...before.keys()][0] ?? ''),
    () => describe(first),
  );
  const second = need(serve(['counter']).views, 'counter');
  await until(
    () => second.state === 'live',
    () => describe(second),
  );
  expect(second.epoch).toBe(epoch);
  const batch = second.since(epoch, token);
  expect(batch).not.toBeNull();
  const resumed = new Map(before);
  apply(resumed, batch?.changes ?? new Map());
  expect(resumed).toEqual(second.rows);
});

test('F2: the engine is killed and starts again: no viewer is reset, nothing is lost', async () => {
  const { views, reports } = serve(['counter', 'useredits']);
  const counter = need(views, 'counter');
  const useredits = need(views, 'useredits');
  await until(
    () => useredits.state === 'live' && counter.state === 'live',
    () => describe(useredits),
  );
  const viewer = watch(useredits);
  const { epoch } = useredits;
  for (let round = 0; round < 3; round++) {
    await engine.sql(`INSERT INTO edits VALUES (${2_000 + round}, 'round ${round}')`);
    await engine.kill();
    await engine.restart();
    await engine.sql(`INSERT INTO edits VALUES (${3_000 + round}, 'after ${round}')`);
    await until(
      () => useredits.rows.has(`["after ${round}",1]`),
      () => describe(useredits),
    );
    expect(useredits.rows.has(`["round ${round}",1]`)).toBe(true);
  }
  const [[count] = []] = await engine.sql('SELECT count FROM counter');
  await until(
    () => counter.rows.has(`[${count}]`),
    () => describe(counter),
  );
  expect([viewer.resets(), useredits.epoch]).toEqual([0, epoch]);
  expect(viewer.broken).toEqual([]);
  expect(reports.some(({ kind }) => kind === 'lost')).toBe(true);
});

test('F3: an engine that stands still makes views stale, and live when it goes on', async () => {
  const { views } = serve(['counter']);
  const counter = need(views, 'counter');
  await until(
    () => counter.state === 'live',
    () => describe(counter),
  );
  const viewer = watch(counter);
  engine.signal('SIGSTOP');
  try {
    await until(
      () => counter.state === 'stale',
      () => describe(counter),
    );
  } finally {
    engine.signal('SIGCONT');
  }
  await until(
    () => counter.state === 'live',
    () => describe(counter),
  );
  expect(viewer.resets()).toBe(0);
});
