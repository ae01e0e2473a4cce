import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { EngineProcess } from '../embedded/engine-process.ts';
import { kafkaClient } from '../kafka/kafka.ts';
import { endsOf } from '../kafka/topics.ts';
import { type KafkaLocal, startKafkaLocal } from '../scripts/kafka-local/kafka-local.ts';
import { kafkaLocalMissing } from '../scripts/kafka-local/tools.ts';
import { applySqlFolder } from '../start/engine-database.ts';
import { finalLeaders } from '../tests/kafka/path-judge.ts';
import { rankRows } from '../tests/prefix-oracle.ts';
import { mappedDayOf2015, readUnpacked, recordingsMissing } from '../tests/recordings.ts';
import {
  fetchCount,
  fetchRows,
  root,
  temporaryFolder,
  until,
  Viewcast,
} from '../tests/viewcast.ts';
import { type StandInEvent, startStandIn } from '../tests/wikimedia-stand-in.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';

/** From recording to view, broker and registry on the same machine. */
const TARGET = 5_000;
const LIMIT_MS = 120_000;

/** One way that all events went. */
interface Stage {
  readonly name: string;
  readonly seconds: number;
  /** CPU seconds by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

/**
 * The recorded day through a real broker and registry: the whole path as `npm start -- --kafka` runs
 * it, then ingest alone into a topic, then the engine alone from the topic.
 */
export async function measureKafkaPath(print: Print): Promise<void> {
  print(
    '\nKafka: 39,244 recorded edits through a real broker into counter, top10 and two more views',
  );
  const missing = kafkaLocalMissing ?? recordingsMissing;
  if (missing !== null) {
    print(`  left out: ${missing}`);
    return;
  }
  const events = readUnpacked(mappedDayOf2015)
    .trim()
    .split('\n')
    .map((json, at) => ({ json, atMs: Date.UTC(2015, 8, 12) + at }));
  const kafka = await startKafkaLocal();
  try {
    const few = onlyFirstViews();
    try {
      const stages = [await wholePath(kafka, events, 'recording to view', few.path)];
      stages.push(await ingestAlone(kafka, events), await engineAlone(kafka, events, few.path));
      report(print, stages, events.length);
    } finally {
      few.remove();
    }
  } finally {
    await kafka.stop();
  }
}

/** The SQL with the first of the project's views alone: counter, useredits, top10, recentchanges. */
function onlyFirstViews(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  cpSync(join(root, 'sql', 'sources'), join(folder.path, 'sources'), { recursive: true });
  mkdirSync(join(folder.path, 'views'));
  cpSync(
    join(root, 'sql', 'views', 'wikirecent.sql'),
    join(folder.path, 'views', 'wikirecent.sql'),
  );
  return folder;
}

function report(print: Print, stages: readonly Stage[], events: number): void {
  const rateOf = ({ seconds }: Stage): number => events / seconds;
  printTable(
    print,
    ['stage', 'events/s', 'seconds', 'CPU seconds'],
    stages.map((stage) => [
      stage.name,
      figure(rateOf(stage), 0),
      figure(stage.seconds, 1),
      Object.entries(stage.cpu)
        .map(([name, seconds]) => `${name} ${figure(seconds, 1)}`)
        .join(', '),
    ]),
  );
  const [whole] = stages;
  if (whole === undefined) return;
  print(`  ${verdict(rateOf(whole) >= TARGET, `≥ ${TARGET} events/s from recording to view`)}`);
  print(`  ${verdict(true, 'counter and top10 are those of a plain count at the end')}`);
}

/** Stand-in → ingest → broker → engine → every view subscribed by the server → REST. */
async function wholePath(
  kafka: KafkaLocal,
  events: readonly StandInEvent[],
  name: string,
  sql: string,
): Promise<Stage> {
  const folder = temporaryFolder();
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const standIn = await startStandIn({
    events,
    due: (index) => (index === 0 ? opened : Promise.resolve()),
  });
  const viewcast = new Viewcast(
    [
      ...['--port', '0', '--sql-port', '0', '--data', folder.path, '--sql', sql],
      ...['--kafka', kafka.broker.address, '--registry', kafka.registry.url],
    ],
    { VIEWCAST_STREAM_URL: standIn.url },
  );
  try {
    await viewcast.ready();
    await until('the ingest waits', () => standIn.requests.length > 0);
    const parts = { ...viewcast.parts(), broker: kafka.broker.pid };
    const measured = await measure(name, parts, async () => {
      open();
      let counted = 0;
      const all = async () => {
        counted = await fetchCount(viewcast);
        return counted >= events.length;
      };
      await until('all are counted', all, LIMIT_MS).catch((error: unknown) => {
        throw new Error(`${String(error)}, at ${counted}; it printed:\n${viewcast.output}`);
      });
    });
    await until('the leaders are the last ones', async () => {
      const rows = await fetchRows(viewcast, 'top10');
      return JSON.stringify(rankRows(rows)) === JSON.stringify(finalLeaders(events));
    });
    const count = await fetchCount(viewcast);
    if (count !== events.length) throw new Error(`expected ${events.length}, counted ${count}`);
    return measured;
  } finally {
    open();
    await viewcast.stop();
    await standIn.close();
    folder.remove();
  }
}

/** Stand-in → ingest → broker, into a topic of its own. */
async function ingestAlone(kafka: KafkaLocal, events: readonly StandInEvent[]): Promise<Stage> {
  const standIn = await startStandIn({ events });
  const folder = temporaryFolder();
  const topic = 'bench-ingest';
  const client = kafkaClient({
    brokers: kafka.broker.address,
    clientId: 'viewcast-bench',
    log: pino({ level: 'silent' }),
  });
  let ingest: ChildProcess | undefined;
  try {
    const started = fork(join(root, 'stream-ingest', 'main.ts'), [], {
      env: {
        ...process.env,
        VIEWCAST_INPUT: 'live',
        VIEWCAST_STREAM_URL: standIn.url,
        VIEWCAST_KAFKA: kafka.broker.address,
        VIEWCAST_REGISTRY: kafka.registry.url,
        VIEWCAST_TOPIC: topic,
        VIEWCAST_DEAD_LETTERS: join(folder.path, 'dead-letters.jsonl'),
        VIEWCAST_LOG: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    ingest = started;
    await new Promise<void>((resolve) => started.once('message', () => resolve()));
    const parts = { ingest: started.pid ?? 0, broker: kafka.broker.pid };
    return await measure('recording to topic', parts, async () => {
      // A transaction's end takes an offset too, so the topic's ends are more than its events.
      const all = async () => {
        const ends = await endsOf(client, topic);
        return ends.reduce((sum, { end }) => sum + end, 0) >= events.length;
      };
      await until('all are in the topic', all, LIMIT_MS);
    });
  } finally {
    const ended = ingest;
    if (ended !== undefined && ended.exitCode === null) {
      await new Promise((resolve) => {
        ended.once('exit', resolve);
        ended.kill('SIGTERM');
      });
    }
    await standIn.close();
    folder.remove();
  }
}

/** Broker → engine, from the topic that the whole path has filled, into the same views. */
async function engineAlone(
  kafka: KafkaLocal,
  events: readonly StandInEvent[],
  sql: string,
): Promise<Stage> {
  const engine = await EngineProcess.start();
  const folder = temporaryFolder();
  const client = new pg.Client({ connectionString: engine.url });
  try {
    await client.connect();
    const parts = { engine: engine.pid, broker: kafka.broker.pid };
    return await measure('topic to views, none subscribed', parts, async () => {
      const { problems } = await applySqlFolder(
        { sql, schemas: join(root, 'avro_schemas') },
        { kind: 'kafka', kafka: kafka.broker.address, registry: kafka.registry.url },
        engine.url,
        join(folder.path, 'sql.json'),
      );
      if (problems.length > 0) throw new Error(problems.join('; '));
      const all = async () => {
        const { rows } = await client.query('SELECT count FROM counter');
        return Number(rows[0]?.count) >= events.length;
      };
      await until('all are counted', all, LIMIT_MS);
    });
  } finally {
    await client.end();
    await engine.stop();
    folder.remove();
  }
}

async function measure(
  name: string,
  parts: Readonly<Record<string, number>>,
  work: () => Promise<void>,
): Promise<Stage> {
  const before = cpuOf(parts);
  const startMs = performance.now();
  await work();
  const seconds = (performance.now() - startMs) / 1_000;
  const after = cpuOf(parts);
  const cpu = Object.keys(parts).map((part) => [part, (after[part] ?? 0) - (before[part] ?? 0)]);
  return { name, seconds, cpu: Object.fromEntries(cpu) };
}

/** CPU seconds that each process has taken so far. */
function cpuOf(parts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, pid]) => {
      const time = execFileSync('ps', ['-o', 'cputimes=', '-p', String(pid)], { encoding: 'utf8' });
      return [name, Number(time.trim())];
    }),
  );
}
