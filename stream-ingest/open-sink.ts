import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { AvroError } from '../avro/avro-error.ts';
import { readTopicSchemas } from '../avro/topic-schemas.ts';
import { kafkaClient } from '../kafka/kafka.ts';
import { Registry } from '../kafka/registry.ts';
import type { Clock, InputKind } from './arrival.ts';
import type { OutputConfig } from './config.ts';
import { kafkaAccess } from './kafka-access.ts';
import { KafkaSink } from './kafka-sink.ts';
import { connectPg } from './pg-connection.ts';
import type { RecentChange } from './recent-change.ts';
import type { Sink, SinkNotice } from './sink.ts';
import { Store } from './store.ts';
import { StoreError } from './store-error.ts';

export interface SinkOptions {
  readonly kind: InputKind;
  readonly label: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onNotice: (notice: SinkNotice) => void;
  readonly onDeadLetter: (reason: string, change: RecentChange) => void;
}

/** Whatever the topic is called, it holds changes of this shape. */
const schemaName = 'recentchange';

/** The configured sink, not opened yet. @throws {StoreError} when the schemas cannot be read. */
export async function openSink(output: OutputConfig, options: SinkOptions): Promise<Sink> {
  if (output.kind === 'engine') {
    return new Store({ ...options, connect: () => connectPg(output.url) });
  }
  const { brokers, login, topic } = output;
  const schemas = await readTopicSchemas(schemaName).catch((error: unknown) => {
    throw error instanceof AvroError ? new StoreError(error.message, { cause: error }) : error;
  });
  const kafka = kafkaClient({
    ...login,
    brokers,
    clientId: 'viewcast-ingest',
    log: options.log,
  });
  const registry = new Registry({ url: output.registry });
  return new KafkaSink({
    ...options,
    topic,
    instance: randomUUID(),
    access: kafkaAccess(kafka, registry, { ...schemas, topic }, options.signal),
  });
}
