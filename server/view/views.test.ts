import { expect, test } from 'vitest';
import type { View } from './view.ts';
import { type Following, Views } from './views.ts';

const COLUMNS = ['id', 'oid', 'schema_id', 'name', 'type'].map((name) => ({ name, type: 'text' }));
const INDEXES = {
  identity: 'env',
  object: '',
  columns: ['id', 'on_id'].map((name) => ({ name, type: 'text' })),
};
const CATALOG = { identity: 'env', object: '', columns: COLUMNS };

/** Serves what a catalogue lists; the test plays the upstream of the catalogue. */
function serve(names: readonly string[] | null) {
  const followed = new Map<string, { view: View; retries: number; stopped: boolean }>();
  const timers = new Set<() => void>();
  const told: string[] = [];
  const views = new Views({
    names,
    follow(name, view): Following {
      const state = { view, retries: 0, stopped: false };
      followed.set(name, state);
      return {
        stop: () => {
          state.stopped = true;
        },
        retry: () => {
          state.retries++;
        },
      };
    },
    after(_, run) {
      timers.add(run);
      return () => timers.delete(run);
    },
  });
  views.watch({
    added: (view) => told.push(`+${view.name}`),
    removed: (view) => told.push(`-${view.name}`),
  });
  let time = 10;
  const catalog = () => followed.get('mz_catalog.mz_objects')?.view;
  return {
    views,
    followed,
    told,
    /** Lets the grace of dropped views run out. */
    expire: () => {
      for (const run of [...timers]) run();
    },
    /** What the older line lists as indexed, each by an index of its own. */
    index: (...objects: readonly string[]) => {
      const indexes = followed.get('mz_catalog.mz_indexes')?.view;
      if (indexes?.frontier === null)
        indexes.start(INDEXES, { snapshot: true, caughtUpAbove: null });
      for (const object of objects) {
        indexes?.update({ row: JSON.stringify([`i${object}`, object]), time, diff: 1 });
      }
      indexes?.progress(++time);
    },
    start: () => catalog()?.start(CATALOG, { snapshot: true, caughtUpAbove: null }),
    /** One transaction on the catalogue: `+u1 top10`, `-u1 top10`; `+` alone is no change. */
    commit: (...changes: readonly string[]) => {
      for (const change of changes) {
        const [object, name, type = 'materialized-view'] = change.slice(1).split(' ');
        const row = JSON.stringify([object, 1, 'u', name, type]);
        catalog()?.update({ row, time, diff: change.startsWith('+') ? 1 : -1 });
      }
      catalog()?.progress(++time);
    },
  };
}

test('named views are followed, each once, and nothing else', () => {
  const { views, followed } = serve(['counter', 'top10', 'counter']);
  expect([...followed.keys()]).toEqual(['counter', 'top10']);
  expect(views.all().map(({ name }) => name)).toEqual(['counter', 'top10']);
  expect(views.get('top10')?.name).toBe('top10');
  expect(views.get('nosuch')).toBeUndefined();
  expect(views.discovered).toBe(true);
});

test('without names the materialized views of the catalogue are served, those to come too', () => {
  const { views, told, start, commit } = serve(null);
  expect(views.discovered).toBe(false);
  start();
  commit('+u1 counter', '+u2 t table', '+u3 v view', '+s4 mz_internals');
  expect(views.discovered).toBe(true);
  expect(told).toEqual(['+counter']);
  commit('+u5 top10');
  commit();
  expect(told).toEqual(['+counter', '+top10']);
});

test('an empty catalogue is known as such', () => {
  const { views, start, commit } = serve(null);
  start();
  commit();
  expect([views.discovered, views.all()]).toEqual([true, []]);
});

test('a dropped view is gone at once, and removed when it does not come back', () => {
  const { views, followed, told, start, commit, expire } = serve(null);
  start();
  commit('+u1 counter');
  commit('-u1 counter');
  expect(views.get('counter')?.state).toBe('gone');
  expire();
  expect(told).toEqual(['+counter', '-counter']);
  expect(views.all()).toEqual([]);
  expect(followed.get('counter')?.stopped).toBe(true);
});

test('a view created anew stays, and is read anew', () => {
  const { views, followed, told, start, commit, expire } = serve(null);
  start();
  commit('+u1 counter');
  const view = views.get('counter');
  commit('-u1 counter');
  commit('+u2 counter');
  commit('-u2 counter', '+u3 counter');
  expire();
  expect(views.get('counter')).toBe(view);
  expect(told).toEqual(['+counter']);
  expect(followed.get('counter')).toMatchObject({ retries: 2, stopped: false });
});

test('stopped, it follows nothing', () => {
  const { views, followed, start, commit } = serve(null);
  start();
  commit('+u1 counter');
  views.stop();
  expect([...followed.values()].every(({ stopped }) => stopped)).toBe(true);
});

test('the older line lists materialized views as views that have an index', () => {
  const { views, told, start, commit, index } = serve(null);
  views.treatAsOlder();
  start();
  commit('+u1 counter view', '+u2 t table', '+u4 plain view', '+s3 mz_tables view');
  // What has no index may be one that is not known yet.
  expect([views.discovered, told]).toEqual([false, []]);
  index('u1', 's3', 'u2');
  expect([views.discovered, told]).toEqual([true, ['+counter']]);
  index('u4');
  expect(told).toEqual(['+counter', '+plain']);
});

test('F18: on the older line the catalogue tells when a named view is dropped or made anew', () => {
  const { views, followed, start, commit } = serve(['counter', 'public.top10']);
  views.treatAsOlder();
  views.treatAsOlder();
  start();
  commit('+u1 counter view', '+u2 top10 view', '+u3 other view');
  const retries = () => ['counter', 'public.top10'].map((name) => followed.get(name)?.retries);
  expect(retries()).toEqual([0, 0]);
  commit('-u1 counter view', '-u3 other view');
  expect(retries()).toEqual([1, 0]);
  commit('+u4 counter view', '-u2 top10 view', '+u5 top10 view');
  expect(retries()).toEqual([2, 1]);
  expect(views.all()).toHaveLength(2);
});

test('stopped, it does not begin to watch the catalogue', () => {
  const { views, followed } = serve(['counter']);
  views.stop();
  views.treatAsOlder();
  expect([...followed.keys()]).toEqual(['counter']);
});
