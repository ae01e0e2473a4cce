import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Fault, item, type SinkMaking, sinkSuite, upTo } from './sink.suite.ts';
import type { SinkNotice } from './sink.ts';
import { type Connection, Store } from './store.ts';
import { QueryError } from './store-error.ts';
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

function storeOf(options: SinkMaking = {}) {
  const notices: SinkNotice[] = [];
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

sinkSuite('the engine', {
  clear: async () => {
    await database.exec('TRUNCATE recentchange, input_position, input_state');
  },
  make: (making) => {
    const { store, notices } = storeOf(making);
    return { sink: store, notices };
  },
  stored,
  forgetLast: async () => {
    const [last, before] = (await stored()).ids.slice(-2).reverse();
    await database.exec(
      `DELETE FROM recentchange WHERE meta_id = 'e${last}'; ` +
        `UPDATE input_position SET position = 'p${before}'`,
    );
  },
});

test('of several states that wait only the last is written', async () => {
  const { store } = storeOf();
  await store.open();
  await Promise.all([store.tell('connected'), store.tell('reconnecting')]);
  const { rows } = await database.query('SELECT kind, label, state FROM input_state');
  expect(rows).toEqual([{ kind: 'live', label: '', state: 'reconnecting' }]);
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

test('an engine that comes back with another store is not written to', async () => {
  const cut = cutOnce();
  const { store } = storeOf(cut);
  await store.open();
  identity = 'two';
  cut.now = true;
  await expect(store.write([item(1)])).rejects.toThrow('came back with another store');
  expect((await stored()).ids).toEqual([]);
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
