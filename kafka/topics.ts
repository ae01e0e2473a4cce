import type { Kafka } from 'kafkajs';
import { codeOf } from './errors.ts';

/** A topic as it should be when it is made; one that exists stays as it is. */
export interface TopicWish {
  readonly topic: string;
  readonly partitions: number;
  /** Kafka's topic settings. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Times are the broker's, as the views show when a message came in. */
const appendTime = { 'message.timestamp.type': 'LogAppendTime' };

/** A topic of events, kept for a time. @param keepMs default 7 days; -1 for ever. */
export function eventTopic(topic: string, partitions: number, keepMs = 7 * 86_400_000): TopicWish {
  return {
    topic,
    partitions,
    settings: { ...appendTime, 'cleanup.policy': 'delete', 'retention.ms': String(keepMs) },
  };
}

/** A topic of which only the newest message of each key matters; small, so cleaned often. */
export function compactedTopic(topic: string): TopicWish {
  return {
    topic,
    partitions: 1,
    settings: {
      ...appendTime,
      'cleanup.policy': 'compact',
      'segment.bytes': String(16 * 2 ** 20),
      'segment.ms': String(3_600_000),
      'min.cleanable.dirty.ratio': '0.1',
    },
  };
}

/**
 * Makes the topics that are missing, replicated as the cluster does by default.
 *
 * @throws when Kafka cannot be reached or refuses.
 */
export async function ensureTopics(kafka: Kafka, wishes: readonly TopicWish[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const present = new Set(await admin.listTopics());
    for (const { topic, partitions, settings } of wishes.filter(
      (wish) => !present.has(wish.topic),
    )) {
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
      try {
        await admin.createTopics({
          topics: [{ topic, numPartitions: partitions, replicationFactor: -1, configEntries }],
        });
      } catch (error) {
        // Somebody else made it in between; or it is made, and not every broker has heard of it.
        if (!isExisting(error) && codeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      }
    }
  } finally {
    await admin.disconnect();
  }
}

function isExisting(error: unknown): boolean {
  if (codeOf(error) === 'TOPIC_ALREADY_EXISTS') return true;
  const errors: unknown = error instanceof Object ? Reflect.get(error, 'errors') : null;
  return Array.isArray(errors) && errors.every((inner) => codeOf(inner) === 'TOPIC_ALREADY_EXISTS');
}

/** Where each partition of a topic begins and ends; the end is the offset of the next message. */
export interface PartitionEnds {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
}

/** @throws for an unknown topic, or when Kafka cannot be reached. */
export async function endsOf(kafka: Kafka, topic: string): Promise<readonly PartitionEnds[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({
      partition,
      first: Number(low),
      end: Number(high),
    }));
  } finally {
    await admin.disconnect();
  }
}
