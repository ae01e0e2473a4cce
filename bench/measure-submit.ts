import { WebSocket } from 'ws';
import { kafkaSkipped } from '../scripts/kafka-local/tools.ts';
import { WholePath } from '../tests/kafka/whole-path.ts';
import { temporaryFolder, until, Viewcast } from '../tests/viewcast.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';
import { percentile } from './percentile.ts';

/** How fast messages are submitted, for how long, and by how many connections (20/s each at most). */
const RUNS = [
  { perSecond: 10, seconds: 20, connections: 4 },
  { perSecond: 1_000, seconds: 10, connections: 64 },
] as const;
const WARM_UP_SECONDS = 3;
const TARGET_MS = { embedded: 50, kafka: 100 } as const;

/** When a message was submitted, accepted and archived, on one clock in ms. */
interface Sent {
  readonly sentMs: number;
  acceptedMs: number;
  archivedMs: number;
}

/**
 * From `submit` to `archived` on the same connection of `ws /api/v1`, which watches the newest
 * messages, with all views of the project served: into the engine, and through a real Kafka.
 */
export async function measureSubmit(print: Print): Promise<void> {
  print('\nMessages: submit → archived on the same connection, ms');
  const rows: string[][] = [];
  const verdicts: string[] = [];
  const measure = async (way: keyof typeof TARGET_MS, open: () => Promise<Opened>) => {
    for (const run of RUNS) {
      const sent = await submitAll(open, run);
      const archived = sent.map(({ sentMs, archivedMs }) => archivedMs - sentMs);
      const accepted = sent.map(({ sentMs, acceptedMs }) => acceptedMs - sentMs);
      const p99 = percentile(archived, 0.99);
      rows.push([
        `${way}, ${run.perSecond}/s`,
        String(sent.length),
        ...[0.5, 0.99].map((share) => figure(percentile(accepted, share), 1)),
        ...[0.5, 0.99, 1].map((share) => figure(percentile(archived, share), 1)),
      ]);
      const target = TARGET_MS[way];
      const what = `${way}: p99 ≤ ${target} ms at ${run.perSecond}/s`;
      verdicts.push(verdict(p99 <= target, what));
    }
  };
  await measure('embedded', openEmbedded);
  if (kafkaSkipped === null) await measure('kafka', openKafka);
  else print(`  not through Kafka: ${kafkaSkipped}`);
  printTable(print, ['way', 'n', 'accepted p50', 'p99', 'archived p50', 'p99', 'most'], rows);
  for (const line of verdicts) print(`  ${line}`);
}

/** A running instance that nothing else comes into. */
interface Opened {
  readonly viewcast: Viewcast;
  close(): Promise<void>;
}

async function openEmbedded(): Promise<Opened> {
  const folder = temporaryFolder();
  // A trickle of its own, one event in 17 minutes.
  const viewcast = new Viewcast([
    ...['--generate', '0.001', '--port', '0', '--sql-port', '0', '--data', folder.path],
  ]);
  await viewcast.ready();
  const close = async (): Promise<void> => {
    await viewcast.stop();
    folder.remove();
  };
  return { viewcast, close };
}

async function openKafka(): Promise<Opened> {
  const path = await WholePath.start([]);
  return { viewcast: path.viewcast, close: () => path.stop() };
}

async function submitAll(
  open: () => Promise<Opened>,
  { perSecond, seconds, connections }: (typeof RUNS)[number],
): Promise<readonly Sent[]> {
  const { viewcast, close } = await open();
  const sockets: WebSocket[] = [];
  try {
    const sent = new Map<string, Sent>();
    for (let at = 0; at < connections; at++) sockets.push(await connect(viewcast, sent));
    await submitPaced(sockets, sent, perSecond, WARM_UP_SECONDS);
    sent.clear();
    await submitPaced(sockets, sent, perSecond, seconds);
    return [...sent.values()];
  } finally {
    for (const socket of sockets) socket.terminate();
    await close();
  }
}

async function connect(viewcast: Viewcast, sent: Map<string, Sent>): Promise<WebSocket> {
  const socket = new WebSocket(`${viewcast.page.replace('http', 'ws')}/api/v1`);
  let watching = false;
  socket.on('message', (data) => {
    const message: { type: string; id?: string; channel?: number; upper?: number } = JSON.parse(
      String(data),
    );
    const one = sent.get(message.id ?? '');
    if (message.type === 'accepted' && one) one.acceptedMs = performance.now();
    if (message.type === 'archived' && one) one.archivedMs = performance.now();
    if (message.type === 'error') throw new Error(String(data));
    if (message.type === 'batch') {
      watching = true;
      const { channel, upper } = message;
      socket.send(JSON.stringify({ type: 'ack', channel, upper }));
    }
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const views = [{ view: 'archive_newest' }];
  socket.send(JSON.stringify({ type: 'subscribe', id: 's', views }));
  await until('it watches', () => watching);
  return socket;
}

/** Submits at an even pace, and waits until all are archived. */
async function submitPaced(
  sockets: readonly WebSocket[],
  sent: Map<string, Sent>,
  perSecond: number,
  seconds: number,
): Promise<void> {
  const startMs = performance.now();
  const total = perSecond * seconds;
  for (let at = 0; at < total; ) {
    const due = Math.min(
      total,
      Math.floor(((performance.now() - startMs) * perSecond) / 1_000) + 1,
    );
    for (; at < due; at++) {
      const id = crypto.randomUUID();
      sent.set(id, { sentMs: performance.now(), acceptedMs: 0, archivedMs: 0 });
      const message = { type: 'submit', id, topic: 'example', value: { value: `message ${at}` } };
      sockets[at % sockets.length]?.send(JSON.stringify(message));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until('all are archived', () => [...sent.values()].every((one) => one.archivedMs > 0));
}
