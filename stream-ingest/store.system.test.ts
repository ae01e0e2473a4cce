import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Item } from './batcher.ts';
import { parseRecentChange } from './recent-change.ts';
import { type Connection, Store, type StoreNotice } from './store.ts';
import { QueryError, StoreError } from './store-error.ts';
import { virtualClock } from './virtual-clock.ts';

/** PostgreSQL itself, without the engine: what the statements must mean. */
let database: PGlite;
let identity = 'one';

beforeAll(async () => {
  database = await PGlite.create();
  const sql = readFileSync(join(import.meta.dirname, '../sql/sources/embedded.sql'), 'utf8');
  await database.exec(sql.replace(/\) WITH \(RETAIN[^;]*;/, ');'));
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.exec('TRUNCATE recentchange, input_position, input_state');
  identity = 'one';
});

type Fault = 'before' | 'after' | null;

/** A session that may be lost before or after a statement takes effect. */
function session(fault: () => Fault): Connection {
  let lost = false;
  const lose = async (): Promise<never> => {
    lost = true;
    await database.query('ROLLBACK');
    throw new Error('Connection terminated unexpectedly');
  };
  return {
    query: async (text, values = []) => {
      if (lost) throw new Error('Client has been closed');
      if (text.startsWith('SELECT mz_environment_id')) return [{ id: identity }];
      const now = fault();
      if (now === 'before') await lose();
      const result = await database
        .query<Record<string, unknown>>(text, [...values])
        .catch((error: { code: string; message: string }) => {
          throw new QueryError(error.code, error.message);
        });
      if (now === 'after') await lose();
      return result.rows;
    },
    close: async () => {
      lost = true;
    },
  };
}

function storeOf(options: { kind?: 'live' | 'generated'; fault?: () => Fault } = {}) {
  const notices: StoreNotice[] = [];
  const store = new Store({
    connect: async () => session(options.fault ?? (() => null)),
    kind: options.kind ?? 'live',
    label: '',
    clock: virtualClock(),
    random: () => 0.5,
    signal: new AbortController().signal,
    onNotice: (notice) => notices.push(notice),
    openMs: 1_000_000,
  });
  return { store, notices };
}

/** Loses the session at the next statement after `now` was set. */
function cutOnce() {
  const cut = {
    now: false,
    fault: (): Fault => {
      const fault = cut.now ? 'before' : null;
      cut.now = false;
      return fault;
    },
  };
  return cut;
}

function item(n: number, fields: object = {}): Item {
  const parsed = parseRecentChange(JSON.stringify({ meta: { id: `e${n}` }, user: 'é', ...fields }));
  return { change: parsed.kind === 'change' ? parsed.change : null, position: `p${n}` };
}

async function stored() {
  const ids = await database.query<{ meta_id: string }>('SELECT meta_id FROM recentchange');
  const positions = await database.query<{ position: string }>(
    'SELECT position FROM input_position',
  );
  return {
    ids: ids.rows.map((row) => Number(row.meta_id.slice(1))).sort((a, b) => a - b),
    position: positions.rows[0]?.position ?? null,
  };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test('position and changes agree after every loss of the session, and nothing is doubled', async () => {
  const faults = fc.array(fc.constantFrom<Fault>('before', 'after', null, null, null), {
    maxLength: 60,
    size: 'max',
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
  const property = fc.asyncProperty(faults, sizes, fc.nat(6), async (plan, batches, killAfter) => {
    await database.exec('TRUNCATE recentchange, input_position, input_state');
    const remaining = [...plan];
    const fault = () => remaining.shift() ?? null;
    let store = storeOf({ fault }).store;
    await store.open();
    let next = 0;
    for (const [i, size] of batches.entries()) {
      if (i === killAfter) {
        // The process dies and begins again where the store says, which is where it was.
        store = storeOf({ fault }).store;
        expect((await store.open()).position).toBe(next === 0 ? null : `p${next - 1}`);
      }
      // The item before comes again, as after a rewind.
      const items = upTo(size + 1).map((k) => item(Math.max(0, next - 1 + k)));
      await store.write(items);
      next += size;
      expect(await stored()).toEqual({ ids: upTo(next), position: `p${next - 1}` });
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test('every change is stored with when it came in, whenever it was made', async () => {
  const { store } = storeOf();
  await store.open();
  await store.write([item(0, { meta: { id: 'e0', dt: '2001-01-15T00:00:00Z' } })]);
  const { rows } = await database.query('SELECT arrived FROM recentchange');
  expect(rows).toEqual([{ arrived: virtualClock().now() }]);
});

test('a change that a column or a view refuses costs itself only', async () => {
  await database.exec(
    `ALTER TABLE recentchange ADD CONSTRAINT picky CHECK (title IS DISTINCT FROM 'bad')`,
  );
  try {
    const { store, notices } = storeOf();
    await store.open();
    await store.write(upTo(9).map((n) => item(n, { title: n % 4 === 1 ? 'bad' : 'good' })));
    expect(await stored()).toEqual({ ids: [0, 2, 3, 4, 6, 7, 8], position: 'p8' });
    expect(notices.map((notice) => notice.kind === 'rejected' && notice.metaId)).toEqual([
      'e1',
      'e5',
    ]);
  } finally {
    await database.exec('ALTER TABLE recentchange DROP CONSTRAINT picky');
  }
});

test('what was stored is known again: the position, and the newest ids last', async () => {
  const { store } = storeOf();
  expect(await store.open()).toEqual({ position: null, newestIds: [] });
  const dated = (n: number) => item(n, { meta: { id: `e${n}`, dt: `2021-08-27T00:00:0${n}Z` } });
  await store.write([dated(2), dated(1), dated(3)]);
  await store.close();
  expect(await storeOf().store.open()).toEqual({ position: 'p3', newestIds: ['e1', 'e2', 'e3'] });
});

test('live and generated changes never meet in one store', async () => {
  const live = storeOf().store;
  await live.open();
  await live.tell('connected');
  await live.tell('reconnecting');
  const generated = storeOf({ kind: 'generated' }).store;
  await expect(generated.open()).rejects.toThrow(StoreError);
  const { rows } = await database.query('SELECT kind, label, state FROM input_state');
  expect(rows).toEqual([{ kind: 'live', label: '', state: 'reconnecting' }]);
});

test('an engine that comes back with another store is not written to', async () => {
  const cut = cutOnce();
  const { store } = storeOf(cut);
  await store.open();
  identity = 'two';
  cut.now = true;
  await expect(store.write([item(1)])).rejects.toThrow('came back with another store');
  expect((await stored()).ids).toEqual([]);
});

test('an engine that comes back with less than it acknowledged is not written to', async () => {
  const cut = cutOnce();
  const { store } = storeOf(cut);
  await store.open();
  await store.write([item(0)]);
  await store.write([item(1)]);
  await database.exec(
    `DELETE FROM recentchange WHERE meta_id = 'e1'; UPDATE input_position SET position = 'p0'`,
  );
  cut.now = true;
  await expect(store.write([item(2)])).rejects.toThrow('came back at p0, and had acknowledged p1');
  const again = storeOf().store;
  expect((await again.open()).position).toBe('p0');
  await again.write([item(1), item(2)]);
  expect(await stored()).toEqual({ ids: [0, 1, 2], position: 'p2' });
});

test('strange but valid events are stored as they are', async () => {
  const { store, notices } = storeOf();
  await store.open();
  await store.write([
    item(0, { user: 'a\0b\ud800c', log_params: ['\0'], id: 2 ** 53 - 1, namespace: -2 }),
    item(1, { user: undefined, type: '142', log_params: [], bot: 'yes' }),
    item(2, { meta: { id: 'e2', dt: '0001-01-01T00:00:00Z' }, comment: '"}{\\' }),
    item(3, { meta: { id: 'e3', dt: '9999-12-31T23:59:59Z' }, title: 'عربي & "x"' }),
  ]);
  expect(notices).toEqual([]);
  const { rows } = await database.query(
    'SELECT "user", id, type FROM recentchange ORDER BY meta_id',
  );
  expect(rows.slice(0, 2)).toEqual([
    { user: 'ab\uFFFDc', id: 2 ** 53 - 1, type: null },
    { user: null, id: null, type: '142' },
  ]);
});
