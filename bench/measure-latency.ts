import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import WebSocket from 'ws';
import { temporaryFolder, Viewcast } from '../tests/viewcast.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';
import { percentile } from './percentile.ts';

/** How fast changes come, for how long, and what is asked of the 99th percentile. */
const RUNS = [
  { perSecond: 30, seconds: 20, targetMs: 25 },
  { perSecond: 1_000, seconds: 10, targetMs: null },
] as const;
/** Sessions that insert; each change is one INSERT in autocommit. */
const SESSIONS = 8;
const WARM_UP_MS = 2_000;

/** When one change was sent, acknowledged and seen, on one clock in ms. */
interface Seen {
  readonly sentMs: number;
  acknowledgedMs: number;
  seenMs: number;
}

/**
 * From a change to its WebSocket message: rows are inserted into `recentchange` over SQL, all views
 * of the project are maintained and served, and one viewer watches the view `recentchanges`.
 */
export async function measureLatency(print: Print): Promise<void> {
  print('\nLatency: a row inserted over SQL → its message at a WebSocket viewer, ms');
  const rows: string[][] = [];
  const verdicts: string[] = [];
  for (const { perSecond, seconds, targetMs } of RUNS) {
    const seen = await run(perSecond, seconds);
    const sent = seen.map(({ sentMs, seenMs }) => seenMs - sentMs);
    const acknowledged = seen.map(({ acknowledgedMs, seenMs }) => seenMs - acknowledgedMs);
    const p99 = percentile(sent, 0.99);
    rows.push([
      `${perSecond}/s`,
      String(seen.length),
      ...[0.5, 0.99, 1].map((share) => figure(percentile(sent, share), 1)),
      ...[0.5, 0.99].map((share) => figure(percentile(acknowledged, share), 1)),
    ]);
    if (targetMs !== null) {
      verdicts.push(verdict(p99 <= targetMs, `p99 ≤ ${targetMs} ms at ${perSecond}/s`));
    }
  }
  const head = ['changes', 'n', 'p50', 'p99', 'most', 'p50 after ack', 'p99 after ack'];
  printTable(print, head, rows);
  for (const line of verdicts) print(`  ${line}`);
  print(
    '  After a pause a change goes out at once; in a rush the engine gathers for 20 ms, which is in them.',
  );
}

async function run(perSecond: number, seconds: number): Promise<readonly Seen[]> {
  const folder = temporaryFolder();
  // A trickle of its own, one event in 17 minutes, so that nothing else is measured.
  const options = ['--generate', '0.001', '--port', '0', '--sql-port', '0', '--data', folder.path];
  const viewcast = new Viewcast(options);
  const clients: pg.Client[] = [];
  try {
    await viewcast.ready();
    for (let n = 0; n < SESSIONS; n++) {
      const client = new pg.Client({ connectionString: viewcast.sqlUrl });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
    }
    const seen = new Map<string, Seen>();
    const viewer = await watch(viewcast, seen);
    await insert(clients, seen, perSecond, WARM_UP_MS / 1_000);
    seen.clear();
    await insert(clients, seen, perSecond, seconds);
    await allSeen(seen);
    viewer.terminate();
    return [...seen.values()];
  } finally {
    for (const client of clients) await client.end().catch(() => {});
    await viewcast.stop();
    folder.remove();
  }
}

async function watch(viewcast: Viewcast, seen: ReadonlyMap<string, Seen>): Promise<WebSocket> {
  const response = await fetch(`${viewcast.page}/api/views/recentchanges`);
  const { columns } = (await response.json()) as { columns: { name: string }[] };
  const id = columns.findIndex(({ name }) => name === 'meta_id');
  const socket = new WebSocket(`${viewcast.page.replace('http', 'ws')}/api/stream/recentchanges`);
  socket.on('message', (data) => {
    const nowMs = performance.now();
    const { inserted } = JSON.parse(data.toString()) as { inserted: unknown[][] };
    for (const row of inserted) {
      const one = seen.get(String(row[id]));
      if (one !== undefined) one.seenMs = nowMs;
    }
  });
  await new Promise((resolve, reject) => {
    socket.once('message', resolve);
    socket.once('error', reject);
  });
  return socket;
}

async function insert(
  clients: readonly pg.Client[],
  seen: Map<string, Seen>,
  perSecond: number,
  seconds: number,
): Promise<void> {
  const startMs = performance.now();
  const total = perSecond * seconds;
  const session = async (client: pg.Client, first: number): Promise<void> => {
    for (let n = first; n < total; n += clients.length) {
      const dueMs = startMs + (n / perSecond) * 1_000;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      const id = randomUUID();
      const one: Seen = {
        sentMs: performance.now(),
        acknowledgedMs: Number.NaN,
        seenMs: Number.NaN,
      };
      seen.set(id, one);
      await client.query(
        `INSERT INTO recentchange (meta_id, meta_dt, type, title, "user", wiki)
         VALUES ($1, now(), 'edit', $2, $3, 'enwiki')`,
        [id, `Page ${n}`, `user ${n % 500}`],
      );
      one.acknowledgedMs = performance.now();
    }
  };
  await Promise.all(clients.map(session));
}

async function allSeen(seen: ReadonlyMap<string, Seen>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ([...seen.values()].some(({ seenMs }) => Number.isNaN(seenMs))) {
    if (Date.now() > deadline) throw new Error('changes did not reach the viewer within 30 s');
    await sleep(20);
  }
}
