import { randomUUID } from 'node:crypto';
import process from 'node:process';
import pino from 'pino';
import { readTopicSchemas, type TopicSchemas } from '../avro/topic-schemas.ts';
import { kafkaClient } from '../kafka/kafka.ts';
import { readToEnd } from '../kafka/read-to-end.ts';
import { Registry } from '../kafka/registry.ts';
import { TopicDecoder } from '../kafka/topic-codec.ts';
import { type KafkaLocal, startKafkaLocal } from '../scripts/kafka-local/kafka-local.ts';
import { kafkaLocalMissing } from '../scripts/kafka-local/tools.ts';
import { generatedChange } from '../stream-ingest/generated-change.ts';
import { kafkaAccess } from '../stream-ingest/kafka-access.ts';
import { KafkaSink } from '../stream-ingest/kafka-sink.ts';
import { parseRecentChange, type RecentChange } from '../stream-ingest/recent-change.ts';
import { systemClock } from '../stream-ingest/system-clock.ts';

import { figure, type Print, printTable, verdict } from './fanout/report.ts';

/** What the stages share: a real broker and registry, and the events that pass through them. */
export interface KafkaBench {
  readonly local: KafkaLocal;
  readonly schemas: TopicSchemas;
  readonly events: readonly RecentChange[];
  /** Made by one stage, read by a later one. */
  readonly topic: string;
}

/** One step of the way from an event to a view. */
export interface Stage {
  readonly name: string;
  /** Does all events; resolves with the seconds that it took. */
  readonly run: (bench: KafkaBench) => Promise<number>;
  /** Events a second that it should reach; none where it only explains the others. */
  readonly target?: number;
}

const eventCount = 40_000;
const batchSize = 1_000;

async function seconds(work: () => Promise<void> | void): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

const log = pino({ level: 'silent' });

/** In their order; each is timed alone, on a machine that does nothing else. */
const STAGES: readonly Stage[] = [
  {
    name: 'check and encode (Avro, key and value)',
    run: ({ schemas, events }) =>
      seconds(() => {
        for (const change of events) {
          schemas.key.encode({ wiki: change.wiki, title: change.title });
          schemas.value.encode(change);
        }
      }),
  },
  {
    name: `encode and produce, transactions of ${batchSize}`,
    target: 5_000,
    run: async ({ local, schemas, events, topic }) => {
      const sink = sinkOf(local, { ...schemas, topic });
      await sink.open();
      const taken = await seconds(async () => {
        for (let i = 0; i < events.length; i += batchSize) {
          const batch = events.slice(i, i + batchSize);
          await sink.write(batch.map((change) => ({ change, position: `p${i}` })));
        }
      });
      await sink.close();
      return taken;
    },
  },
  {
    name: 'read what is committed, and decode it',
    run: async ({ local, schemas, events, topic }) => {
      const decoder = new TopicDecoder(new Registry({ url: local.registry.url }), schemas.value);
      const values: Buffer[] = [];
      const taken = await seconds(async () => {
        await readToEnd(clientOf(local), topic, ({ messages }) => {
          for (const { value } of messages) values.push(value ?? Buffer.of());
        });
        await decoder.prepare(values);
        for (const value of values) decoder.decode(value);
      });
      if (values.length === events.length) return taken;
      throw new Error(`expected ${events.length} messages, read ${values.length}`);
    },
  },
];

function clientOf(local: KafkaLocal) {
  return kafkaClient({ brokers: local.broker.address, clientId: 'bench', log });
}

function sinkOf(local: KafkaLocal, schemas: TopicSchemas): KafkaSink {
  const { signal } = new AbortController();
  const registry = new Registry({ url: local.registry.url });
  return new KafkaSink({
    access: kafkaAccess(clientOf(local), registry, schemas, signal),
    topic: schemas.topic,
    kind: 'recorded',
    label: '',
    instance: randomUUID(),
    clock: systemClock,
    random: Math.random,
    signal,
    onNotice: () => {},
    onDeadLetter: (reason) => {
      throw new Error(reason);
    },
  });
}

function invented(): readonly RecentChange[] {
  return Array.from({ length: eventCount }, (_, n) => {
    const parsed = parseRecentChange(generatedChange(1, n, Date.UTC(2026, 0, 1) + 30 * n));
    if (parsed.kind !== 'change') throw new Error(`expected a change, got ${parsed.kind}`);
    return parsed.change;
  });
}

/** Events a second through each stage of the way through Kafka, broker and registry on this machine. */
export async function measureKafka(print: Print): Promise<void> {
  print(`\nKafka: ${eventCount} invented changes through each stage, broker and registry included`);
  if (kafkaLocalMissing !== null) {
    print(`  left out: ${kafkaLocalMissing}`);
    return;
  }
  const schemas = await readTopicSchemas('recentchange');
  const local = await startKafkaLocal();
  try {
    const bench = { local, schemas, events: invented(), topic: 'bench' };
    const rows: string[][] = [];
    for (const { name, target, run } of STAGES) {
      const cpu = process.cpuUsage();
      const taken = await run(bench);
      const used = process.cpuUsage(cpu);
      const rate = bench.events.length / taken;
      const met = target === undefined ? '' : verdict(rate >= target, `≥ ${target}`);
      rows.push([name, figure(rate, 0), figure((used.user + used.system) / 1e6 / taken), met]);
    }
    printTable(print, ['stage', 'events/s', 'own CPU', ''], rows);
  } finally {
    await local.stop();
  }
}
