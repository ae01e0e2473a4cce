import type { Logger } from 'pino';
import { kafkaClient } from '../../kafka/kafka.ts';
import { type MessageBatch as KafkaBatch, openReader, type Reader } from '../../kafka/reader.ts';
import { Registry } from '../../kafka/registry.ts';
import { endsOf, type PartitionEnds } from '../../kafka/topics.ts';
import { type KafkaAccess, type MessageBatch, TopicReplaced, type TopicRequest } from './access.ts';

/** Kafka and registries as they are, by the client of `kafka/`. */
export class ClientAccess implements KafkaAccess {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  async read(request: TopicRequest): Promise<void> {
    const { broker, topic, signal, onBatch, onReading } = request;
    const kafka = kafkaClient({
      brokers: broker.brokers.join(','),
      clientId: 'viewcast-engine',
      log: this.#log,
      ssl: broker.ssl,
      sasl: broker.sasl,
    });
    const starts = startsOf(request, await endsOf(kafka, topic));
    let reader: Reader | null = null;
    try {
      await new Promise<void>((resolve, reject) => {
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
        const opening = openReader({
          kafka,
          topics: [topic],
          // A partition that was added since has been read not at all.
          from: (_, partition) => starts.get(partition) ?? 0,
          onFailure: reject,
          onBatch: (batch) => onBatch(withBigOffsets(batch)),
        });
        opening.then((opened) => {
          reader = opened;
          onReading();
        }, reject);
      });
    } finally {
      await (reader as Reader | null)?.close().catch(() => {});
    }
  }

  registry({ url, login }: Parameters<KafkaAccess['registry']>[0]): Registry {
    return new Registry({ url, login });
  }
}

function withBigOffsets({ partition, next, messages }: KafkaBatch): MessageBatch {
  return {
    partition,
    next: BigInt(next),
    messages: messages.map((message) => ({ ...message, offset: BigInt(message.offset) })),
  };
}

/** Where to begin in each partition, checked against what there is. */
function startsOf(
  { from, topic, onGap }: TopicRequest,
  ends: readonly PartitionEnds[],
): ReadonlyMap<number, number> {
  const known = new Set(ends.map(({ partition }) => partition));
  for (const partition of from.keys()) {
    if (!known.has(partition)) throw replaced(topic, `it has no partition ${partition}`);
  }
  return new Map(
    ends.map(({ partition, first, end }) => {
      const asked = from.get(partition);
      if (asked === undefined) return [partition, first];
      if (asked > end) {
        throw replaced(topic, `partition ${partition} ends at ${end}, and was read up to ${asked}`);
      }
      if (asked >= first) return [partition, Number(asked)];
      onGap(partition, asked, BigInt(first));
      return [partition, first];
    }),
  );
}

function replaced(topic: string, why: string): TopicReplaced {
  return new TopicReplaced(
    `the topic "${topic}" is not the one that was read before: ${why}. Drop the table and create it again to read the new one`,
  );
}
