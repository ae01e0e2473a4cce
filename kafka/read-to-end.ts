import type { Kafka } from 'kafkajs';
import { type MessageBatch, openReader, type Reader } from './reader.ts';
import { endsOf } from './topics.ts';

/**
 * Reads what a topic holds now, as committed transactions leave it, and resolves when it has come to
 * the end that the topic had at the start.
 *
 * @throws when Kafka goes away in between, or when the signal aborts.
 */
export async function readToEnd(
  kafka: Kafka,
  topic: string,
  onBatch: (batch: MessageBatch) => void,
  signal?: AbortSignal,
): Promise<void> {
  const ends = await endsOf(kafka, topic);
  const left = new Map(
    ends.flatMap(({ partition, first, end }) => (end > first ? [[partition, end] as const] : [])),
  );
  if (left.size === 0) return;
  let reader: Reader | null = null;
  let resolve = () => {};
  let reject = (_: unknown) => {};
  const promise = new Promise<void>((onDone, onFailure) => {
    resolve = onDone;
    reject = onFailure;
  });
  const stop = () => reject(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  // The reader may fail while it is being opened, when nobody waits for this yet.
  promise.catch(() => {});
  try {
    signal?.throwIfAborted();
    reader = await openReader({
      kafka,
      topics: [topic],
      from: () => 0,
      onBatch: async (batch) => onBatch(batch),
      onFailure: (error) => reject(error),
      onPosition: (_, partition, next) => {
        if (next >= (left.get(partition) ?? Number.POSITIVE_INFINITY)) left.delete(partition);
        if (left.size === 0) resolve();
      },
      maxWaitMs: 100,
    });
    await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
    await reader?.close();
  }
}
