import pg from 'pg';
import pino from 'pino';
import { kafkaClient } from '../../kafka/kafka.ts';
import { endsOf } from '../../kafka/topics.ts';
import { fetchCount, type Viewcast } from '../viewcast.ts';
import type { StandIn } from '../wikimedia-stand-in.ts';

/** What the events pass on their way. */
export interface Way {
  readonly standIn: StandIn;
  /** host:port */
  readonly broker: string;
  readonly viewcast: Viewcast;
  /** How many the viewer has, and how it stands. */
  readonly seen: string;
}

/** A station that does not answer says so within this. */
const LIMIT_MS = 10_000;
const TAIL_LINES = 40;

/** How far the events came, a line for each station, and the last that the instance said. */
export async function describeStations(way: Way): Promise<string> {
  const { standIn, broker, viewcast, seen } = way;
  const askTopic = async (topic: string): Promise<string> => {
    const log = pino({ level: 'silent' });
    const ends = await endsOf(kafkaClient({ brokers: broker, clientId: 'test', log }), topic);
    return ends.map(({ partition, end }) => `${partition} ends at ${end}`).join(', ');
  };
  const asked: Readonly<Record<string, () => Promise<unknown> | unknown>> = {
    'left Wikimedia': () => `${standIn.sent}, over ${standIn.requests.length} connections`,
    'topic recentchange, markers included': () => askTopic('recentchange'),
    'topic recentchange-position': () => askTopic('recentchange-position'),
    'rows of the engine': () => askSql(viewcast, 'SELECT count(*) FROM recentchange_events'),
    'where the input stands': () =>
      askSql(viewcast, "SELECT key, text FROM positions WHERE key IN ('position', 'state')"),
    'how the engine reads': () => askSql(viewcast, 'SHOW SOURCES'),
    'counter of the server': () => fetchCount(viewcast),
    'views of the server': () => fetchText(viewcast, '/readyz'),
    'seen by the viewer': () => seen,
  };
  const lines = await Promise.all(
    Object.entries(asked).map(async ([name, ask]) => `${name}: ${await answer(ask)}`),
  );
  const said = viewcast.output.trimEnd().split('\n').slice(-TAIL_LINES);
  return [...lines, `parts: ${JSON.stringify(viewcast.parts())}`, 'it said last:', ...said].join(
    '\n',
  );
}

async function answer(ask: () => Promise<unknown> | unknown): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${LIMIT_MS} ms`), LIMIT_MS);
  });
  try {
    return String(await Promise.race([ask(), late]));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchText({ page }: Viewcast, path: string): Promise<string> {
  return (await (await fetch(`${page}${path}`)).text()).trim();
}

async function askSql(viewcast: Viewcast, sql: string): Promise<string> {
  const client = new pg.Client({
    connectionString: viewcast.sqlUrl,
    connectionTimeoutMillis: LIMIT_MS,
  });
  // It ends with an error where the engine ends while it is asked.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return JSON.stringify(rows);
  } finally {
    void client.end().catch(() => {});
  }
}
