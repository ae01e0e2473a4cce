/**
 * What the push server promises over any database that speaks TAIL or SUBSCRIBE, as tests: they
 * create relations under a name of their own, and drop them again. Run against the engine in both
 * dialects, and against a real Materialize where there is one.
 */
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { apply } from '../protocol/multiset.ts';
import { rowValues } from '../protocol/row.ts';
import type { RowText } from '../protocol/update.ts';
import { followViews } from '../server/pipeline.ts';
import type { Dialect } from '../server/upstream/dialect.ts';
import type { View } from '../server/view/view.ts';

/** A database to test. */
export interface Target {
  readonly url: string;
  stop(): Promise<void>;
}

const DEADLINE_MS = 50_000;

/** Registers the tests; `dialect` null is for a database that others use, whatever it speaks. */
export function testUpstream(
  name: string,
  start: () => Promise<Target>,
  dialect: Dialect | null,
): void {
  describe(name, () => {
    let world: World;
    const stops: (() => void)[] = [];

    beforeAll(async () => {
      world = await World.open(await start());
    });
    afterEach(() => {
      for (const stop of stops.splice(0)) stop();
    });
    afterAll(() => world?.close());

    /** Follows views by the server's own wiring. */
    function serve(names: readonly string[] | null, upstream = world.url) {
      const lost: string[] = [];
      const log = {
        info: () => {},
        error: () => {},
        warn: (_: object, message: string) => lost.push(message),
      };
      const { views } = followViews({ upstream, views: names }, log);
      stops.push(() => views.stop());
      const view = (wanted: string): View => {
        const found = views.get(wanted);
        if (found === undefined) throw new Error(`${wanted} is not served`);
        return found;
      };
      return { views, view, lost };
    }

    test('it is recognised', () => {
      if (dialect !== null) expect(world.dialect).toBe(dialect);
      expect(['tail', 'subscribe']).toContain(world.dialect);
    });

    test.skipIf(dialect === null)('without names its materialized views are found', async () => {
      const table = await world.table('found', 'a bigint');
      const kept = await world.view('kept', `SELECT count(*) AS n FROM ${table}`);
      const { views } = serve(null);
      await until(
        () => views.get(kept)?.state === 'live',
        () => `${views.all().map(show)}`,
      );
      expect(views.discovered).toBe(true);
      expect(views.get(table)).toBeUndefined();
      const later = await world.view('kept_later', `SELECT count(*) AS n FROM ${table}`);
      await until(
        () => views.get(later)?.state === 'live',
        () => `${views.all().map(show)}`,
      );
      await world.dropView(later);
      await until(
        () => views.get(later)?.state !== 'live',
        () => `${views.all().map(show)}`,
      );
      expect(views.all().some(({ name }) => name.startsWith('mz_'))).toBe(false);
    });

    test('a transaction is shown whole or not at all, and all views agree with SQL', async () => {
      const ledger = await world.table('ledger', 'owner text, amount bigint');
      const balance = await world.view(
        'balance',
        `SELECT owner, sum(amount) AS amount FROM ${ledger} GROUP BY owner`,
      );
      const view = serve([balance]).view(balance);
      await until(
        () => view.state === 'live',
        () => show(view),
      );
      expect(view.rows.size).toBe(0);
      const sums: number[] = [];
      const viewer = watch(view, (rows) => {
        let sum = 0;
        for (const [row, times] of rows) sum += Number(rowValues(row)[1]) * times;
        sums.push(sum);
      });
      for (let i = 0; i < 20; i++) {
        const [from, to] = [`o${i % 3}`, `o${(i * 7 + 1) % 4}`];
        await world.sql(`INSERT INTO ${ledger} VALUES ('${from}', -${i + 1}), ('${to}', ${i + 1})`);
      }
      const answer = (await world.sql(`SELECT owner, amount FROM ${balance}`)).map(
        ([owner, amount]) => JSON.stringify([owner, Number(amount)]),
      );
      await until(
        () => view.rows.size === answer.length && answer.every((row) => view.rows.has(row)),
        () => show(view),
      );
      expect(new Set(sums)).toEqual(new Set([0]));
      expect(viewer.held).toEqual(new Map(view.rows));
      expect(viewer.resets()).toBe(0);
    });

    test('equal rows are counted, and a view that becomes empty stays live', async () => {
      const table = await world.table('bag', 'a text');
      const bag = await world.view('bagged', `SELECT a FROM ${table}`);
      const view = serve([bag]).view(bag);
      await world.sql(`INSERT INTO ${table} VALUES ('x'), ('x'), ('x'), ('y')`);
      await until(
        () => view.rows.get('["x"]') === 3 && view.rows.get('["y"]') === 1,
        () => show(view),
      );
      await world.sql(`DELETE FROM ${table}`);
      await until(
        () => view.rows.size === 0,
        () => show(view),
      );
      expect(view.state).toBe('live');
    });

    test('values of every common type come as PROTOCOL.md says', async () => {
      const table = await world.table(
        'typed',
        'b boolean, i integer, l bigint, d double precision, n numeric, t text, j jsonb, ' +
          'ts timestamp, tz timestamptz, dt date, by bytea',
      );
      const typed = await world.view('types', `SELECT * FROM ${table}`);
      await world.sql(
        `INSERT INTO ${table} VALUES
           (true, 1, 9007199254740993, 1.5, 12.5, 'é ''quoted''', '{"a": [1, null]}',
            '2022-07-01 12:34:56.789', '2022-07-01 12:34:56.789+00', '2022-07-01', '\\xdeadbeef'),
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
      );
      const view = serve([typed]).view(typed);
      await until(
        () => view.rows.size === 2,
        () => show(view),
      );
      expect([...view.rows.keys()].map((row) => rowValues(row))).toEqual(
        expect.arrayContaining([
          [
            ...[true, 1, '9007199254740993', 1.5, 12.5, "é 'quoted'", { a: [1, null] }],
            ...['2022-07-01T12:34:56.789', '2022-07-01T12:34:56.789Z', '2022-07-01', '3q2+7w=='],
          ],
          [...'bildntjsxy1'].map(() => null),
        ]),
      );
      expect(view.columns.map(({ name }) => name).join()).toBe('b,i,l,d,n,t,j,ts,tz,dt,by');
    });

    test('a snapshot of many pages is shown whole', async () => {
      const table = await world.table('many', 'id bigint, label text');
      const wide = await world.view('wide', `SELECT id, label FROM ${table}`);
      await world.sql(
        `INSERT INTO ${table} SELECT i, 'label ' || i::text FROM generate_series(1, 20000) AS i`,
      );
      const view = serve([wide]).view(wide);
      const sizes: number[] = [];
      watch(view, (rows) => sizes.push(rows.size));
      await until(
        () => view.rows.size > 0,
        () => show(view),
      );
      await world.sql(`DELETE FROM ${table} WHERE id > 19999`);
      await until(
        () => view.rows.size === 19_999,
        () => show(view),
      );
      expect(sizes.every((size) => size === 20_000 || size === 19_999 || size === 0)).toBe(true);
    });

    test('a view that can never change ends, and stays served', async () => {
      const fixed = await world.view('fixed', 'SELECT 1 AS one');
      const { view, lost } = serve([fixed]);
      await until(
        () => view(fixed).state === 'ended',
        () => show(view(fixed)),
      );
      expect([...view(fixed).rows]).toEqual([['[1]', 1]]);
      expect(lost).toEqual([]);
    });

    test('a view that is not there is told of, and live once it is created', async () => {
      const table = await world.table('late', 'a bigint');
      const later = world.name('later');
      const { view, lost } = serve([later]);
      await until(
        () => view(later).state === 'gone',
        () => show(view(later)),
      );
      expect(lost[0]).toContain(`no view ${later}`);
      await world.view('later', `SELECT count(*) AS n FROM ${table}`);
      await until(
        () => view(later).state === 'live',
        () => show(view(later)),
      );
      expect([...view(later).rows]).toEqual([['[0]', 1]]);
    });

    test('a view dropped and created anew goes on as another one, in a new epoch', async () => {
      const table = await world.table('shaped', 'a bigint');
      const shape = await world.view('shape', `SELECT count(*) AS n FROM ${table}`);
      const view = serve([shape]).view(shape);
      await until(
        () => view.state === 'live',
        () => show(view),
      );
      const { epoch } = view;
      await world.dropView(shape);
      await until(
        () => view.state === 'gone',
        () => show(view),
      );
      await world.view('shape', `SELECT 'x' AS label, count(*) AS n FROM ${table}`);
      await until(
        () => view.state === 'live' && view.epoch !== epoch,
        () => show(view),
      );
      await world.sql(`INSERT INTO ${table} VALUES (1)`);
      await until(
        () => view.rows.has('["x",1]'),
        () => show(view),
      );
    });

    test('F1: a cut connection is taken up again: nothing lost, nothing twice, no reset', async () => {
      const table = await world.table('steps', 'n bigint');
      const steps = await world.view('sums', `SELECT count(*) AS c, sum(n) AS s FROM ${table}`);
      await world.sql(`INSERT INTO ${table} VALUES (0)`);
      const road = await Road.open(world.url);
      stops.push(() => road.close());
      const view = serve([steps], road.url).view(steps);
      await until(
        () => view.state === 'live' && view.rows.has('[1,0]'),
        () => show(view),
      );
      const { epoch } = view;
      const viewer = watch(view, () => {});
      for (let round = 1; round <= 3; round++) {
        road.cut();
        await world.sql(`INSERT INTO ${table} VALUES (${round}), (${-round})`);
        await until(
          () => view.rows.has(`[${1 + 2 * round},0]`),
          () => show(view),
        );
      }
      expect(viewer.held).toEqual(new Map(view.rows));
      expect([viewer.resets(), view.epoch]).toEqual([0, epoch]);
    });
  });
}

/** The tested database, and what was made in it. */
class World {
  readonly #target: Target;
  readonly #prefix = `viewcast_${randomBytes(4).toString('hex')}`;
  readonly #client: pg.Client;
  readonly #views = new Set<string>();
  readonly #tables: string[] = [];
  dialect: Dialect = 'subscribe';

  private constructor(target: Target) {
    this.#target = target;
    this.#client = new pg.Client({
      connectionString: target.url,
      types: { getTypeParser: () => (text: string) => text },
    });
    // A database that is stopped ends the connection.
    this.#client.on('error', () => {});
  }

  static async open(target: Target): Promise<World> {
    const world = new World(target);
    await world.#client.connect();
    const [[version] = []] = await world.sql('SELECT mz_version()');
    world.dialect = /^v0\.(?:\d|1\d|2[0-6])\./.test(version ?? '') ? 'tail' : 'subscribe';
    return world;
  }

  get url(): string {
    return this.#target.url;
  }

  name(name: string): string {
    return `${this.#prefix}_${name}`;
  }

  /** Gives the rows, as texts. */
  async sql(text: string): Promise<readonly (readonly (string | null)[])[]> {
    return (await this.#client.query<(string | null)[]>({ text, rowMode: 'array' })).rows;
  }

  async table(name: string, columns: string): Promise<string> {
    const table = this.name(name);
    await this.sql(`CREATE TABLE ${table} (${columns})`);
    this.#tables.push(table);
    return table;
  }

  async view(name: string, query: string): Promise<string> {
    const view = this.name(name);
    await this.sql(`CREATE MATERIALIZED VIEW ${view} AS ${query}`);
    this.#views.add(view);
    return view;
  }

  async dropView(view: string): Promise<void> {
    await this.sql(`DROP ${this.dialect === 'tail' ? '' : 'MATERIALIZED '}VIEW ${view}`);
    this.#views.delete(view);
  }

  async close(): Promise<void> {
    try {
      for (const view of [...this.#views]) await this.dropView(view);
      for (const table of this.#tables) await this.sql(`DROP TABLE ${table}`);
    } finally {
      await this.#client.end();
      await this.#target.stop();
    }
  }
}

/** A way to the database that can be cut. */
class Road {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async open(url: string): Promise<Road> {
    const target = new URL(url);
    const sockets = new Set<Socket>();
    const server = createServer((outer) => {
      const inner = connect({ host: target.hostname, port: Number(target.port || 6875) });
      for (const socket of [outer, inner]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          inner.destroy();
          outer.destroy();
        });
      }
      outer.pipe(inner).pipe(outer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const here = new URL(url);
    here.hostname = '127.0.0.1';
    // The certificate is for another name than this way's.
    if (here.searchParams.has('sslmode')) here.searchParams.set('sslmode', 'no-verify');
    here.port = String(typeof address === 'object' ? address?.port : 0);
    return new Road(here.href, server, sockets);
  }

  cut(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

/** Resolves when the condition holds. */
async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A viewer that knows no epochs; `look` sees its rows whenever they changed. */
function watch(view: View, look: (rows: ReadonlyMap<RowText, number>) => void) {
  const held = new Map<RowText, number>(view.rows);
  let resets = 0;
  view.watch({
    batch({ changes }) {
      apply(held, changes);
      look(held);
    },
    reset(difference) {
      resets++;
      apply(held, difference);
      look(held);
    },
    state: () => {},
  });
  return { held, resets: () => resets };
}

const show = (view: View) =>
  `${view.name} ${view.state} at ${view.frontier} with ${[...view.rows].slice(0, 5).join(' ')}`;
