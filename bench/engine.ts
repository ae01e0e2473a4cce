import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import Cursor from 'pg-cursor';

/** One measurement of the engine. */
export interface EngineResult {
  readonly batch: number;
  readonly sessions: number;
  /** All four views, each with a subscriber over the wire; or none of either. */
  readonly views: boolean;
  readonly events: number;
  /** From the first insert until every subscriber has seen the last change, or until the last
   *  acknowledgement where there is none. */
  readonly eventsPerSecond: number;
  /** CPU seconds the engine's process took for each second that passed. */
  readonly engineCpu: number;
}

/** What is expected of each batch size, in events per second with all views subscribed. */
export const ENGINE_TARGETS: ReadonlyMap<number, number> = new Map([
  [1, 5000],
  [100, 12_000],
  [1000, 15_000],
]);

const ROOT = join(import.meta.dirname, '..');
const RECORDING = 'wikiticker-2015-09-12-mapped.jsonl.gz';
const VIEWS = ['recentchanges', 'counter', 'useredits', 'top10'];
const INSERT =
  'INSERT INTO recentchange SELECT * FROM json_populate_recordset(NULL::recentchange, $1::json)';

/**
 * Events per second through the engine's process, over the wire, into a durable folder, at batches
 * of 1 (one row a statement, in autocommit), 100 and 1,000. The final state is checked each time.
 *
 * @throws {Error} when the views do not hold what went in.
 */
export async function benchEngine(): Promise<readonly EngineResult[]> {
  const changes = readChanges();
  const results: EngineResult[] = [];
  for (const views of [true, false]) {
    for (const { batch, sessions, events } of [
      { batch: 1, sessions: 8, events: 20_000 },
      { batch: 1, sessions: 64, events: 39_244 },
      { batch: 100, sessions: 2, events: 39_244 },
      { batch: 1000, sessions: 2, events: 39_244 },
    ]) {
      results.push(await measure(changes.slice(0, events), batch, sessions, views));
    }
  }
  return results;
}

type Change = Readonly<Record<string, unknown>>;

/** The recorded edits where they are, else made ones of the same size. */
function readChanges(): readonly Change[] {
  const path = join(process.env.VIEWCAST_DATA ?? join(ROOT, '../shared/data'), RECORDING);
  if (!existsSync(path)) return Array.from({ length: 39_244 }, (_, n) => madeChange(n));
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n');
  return lines.map((line, n) => {
    const event: Change = JSON.parse(line);
    return { ...madeChange(n), ...pick(event, COMMON), comment: event.comment };
  });
}

const COMMON = [
  'type',
  'title',
  'namespace',
  'timestamp',
  'user',
  'bot',
  'minor',
  'wiki',
  'server_url',
  'server_name',
  'server_script_path',
];

function pick(event: Change, names: readonly string[]): Change {
  return Object.fromEntries(names.map((name) => [name, event[name]]));
}

function madeChange(n: number): Change {
  return {
    meta_id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    meta_dt: '2015-09-12T00:46:58.771Z',
    meta_uri: `https://en.wikipedia.org/wiki/Page_${n % 5000}`,
    id: n,
    user: `user ${Math.floor((n * 7919) % 10_531)}`,
    wiki: 'enwiki',
    type: 'edit',
    comment: 'a comment of the usual length, with a link to [[Some other page]]',
  };
}

async function measure(
  changes: readonly Change[],
  batch: number,
  sessions: number,
  views: boolean,
): Promise<EngineResult> {
  const folder = mkdtempSync(join(tmpdir(), 'viewcast-bench-'));
  const engine = await EngineProcess.start(folder);
  try {
    await engine.prepare(views);
    const watch = views ? await Promise.all(VIEWS.map((view) => engine.watch(view))) : [];
    const clients = await Promise.all(Array.from({ length: sessions }, () => engine.connect()));
    const cpu = engine.cpuSeconds();
    const start = performance.now();
    await insertAll(clients, changes, batch);
    const done = Date.now();
    await Promise.all(watch.map((stream) => stream.passed(done)));
    const seconds = (performance.now() - start) / 1000;
    const engineCpu = (engine.cpuSeconds() - cpu) / seconds;
    if (views) await check(clients[0], changes);
    const eventsPerSecond = changes.length / seconds;
    return { batch, sessions, views, events: changes.length, eventsPerSecond, engineCpu };
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function insertAll(
  clients: readonly pg.Client[],
  changes: readonly Change[],
  batch: number,
): Promise<void> {
  let at = 0;
  const names = Object.keys(changes[0] ?? {});
  const columns = names.map((name) => `"${name}"`).join(', ');
  const single = `INSERT INTO recentchange (${columns}) VALUES (${names.map((_, n) => `$${n + 1}`).join(', ')})`;
  const insert = async (client: pg.Client): Promise<void> => {
    while (at < changes.length) {
      const part = changes.slice(at, at + batch);
      at += part.length;
      const [only] = part;
      if (batch > 1) await client.query(INSERT, [JSON.stringify(part)]);
      else
        await client.query(
          single,
          names.map((name) => only?.[name]),
        );
    }
  };
  await Promise.all(clients.map(insert));
}

async function check(client: pg.Client | undefined, changes: readonly Change[]): Promise<void> {
  const users = new Set(changes.map(({ user }) => user)).size;
  const result = await client?.query(
    'SELECT count, (SELECT count(*) FROM useredits) AS users, (SELECT sum(count) FROM useredits) AS edits FROM counter',
  );
  const got = JSON.stringify(result?.rows[0]);
  const expected = JSON.stringify({
    count: String(changes.length),
    users: String(users),
    edits: String(changes.length),
  });
  if (got !== expected) throw new Error(`the views must hold ${expected}, they hold ${got}`);
}

/** The engine in its own process, as people run it. */
class EngineProcess {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #clients: pg.Client[] = [];

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  static async start(folder: string): Promise<EngineProcess> {
    const child = fork(join(ROOT, 'embedded/main.ts'), {
      env: { ...process.env, VIEWCAST_STORE: folder, VIEWCAST_SQL_PORT: '0', VIEWCAST_LOG: 'warn' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    for (;;) {
      const [message]: unknown[] = await once(child, 'message');
      if (typeof message === 'object' && message !== null && 'port' in message) {
        return new EngineProcess(child, Number(message.port));
      }
    }
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.#port,
      user: 'materialize',
      database: 'materialize',
    });
    client.on('error', () => {});
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  async prepare(views: boolean): Promise<void> {
    const client = await this.connect();
    await client.query(readFileSync(join(ROOT, 'sql/sources/embedded.sql'), 'utf8'));
    if (views) await client.query(readFileSync(join(ROOT, 'sql/views/wikirecent.sql'), 'utf8'));
  }

  /** A subscriber as the push server is one: a cursor whose rows are taken as they come. */
  async watch(view: string): Promise<{ passed(time: number): Promise<void> }> {
    const client = await this.connect();
    await client.query('BEGIN');
    const types = { getTypeParser: () => (value: unknown) => value };
    const cursor = client.query(
      new Cursor(`SUBSCRIBE ${view} WITH (PROGRESS)`, [], { rowMode: 'array', types }),
    );
    let frontier = 0;
    let wake = (): void => {};
    cursor.on('row', (row: readonly string[]) => {
      if (row[1] !== 't') return;
      frontier = Number(row[0]);
      wake();
    });
    cursor.read(1_000_000_000).catch(() => {});
    const passed = async (time: number): Promise<void> => {
      while (frontier <= time) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await passed(0);
    return { passed };
  }

  /** CPU time of the process so far, where /proc tells it; else NaN. */
  cpuSeconds(): number {
    const path = `/proc/${this.#child.pid}/stat`;
    if (!existsSync(path)) return Number.NaN;
    const stat = readFileSync(path, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await exit;
    await Promise.allSettled(this.#clients.map((client) => client.end()));
  }
}
