import type { Arrival, Clock } from './arrival.ts';
import { Batcher, type ItemBatch } from './batcher.ts';
import type { KnownIds } from './known-ids.ts';
import { parseRecentChange } from './recent-change.ts';

/** What became of the arrivals so far. */
export interface Counts {
  /** Passed on to the store. */
  changes: number;
  /** Dropped: their `meta.id` was known. */
  duplicates: number;
  /** Dropped: Wikimedia's test events. */
  canaries: number;
  /** Dropped: no JSON object with `meta`. */
  malformed: number;
}

/** Counts of nothing yet. */
export function noCounts(): Counts {
  return { changes: 0, duplicates: 0, canaries: 0, malformed: 0 };
}

export interface IngestOptions {
  /** Stores a batch with the position of its last item, both or neither; repeats itself. */
  readonly write: (batch: ItemBatch) => Promise<void>;
  readonly known: KnownIds;
  readonly counts: Counts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** @param json the event as it came. */
  readonly onMalformed: (reason: string, json: string) => void;
  /** Largest batch; default 1,000. */
  readonly maxItems?: number;
}

/**
 * Reads an input to its end: parses, drops what must not count, and stores the rest in order, each
 * event once. What is dropped still moves the position. Resolves when everything is stored, or when
 * the signal aborts, which leaves what was not yet stored to the next start.
 *
 * @throws what the input or `write` throws.
 */
export async function ingest(
  arrivals: AsyncIterable<Arrival>,
  options: IngestOptions,
): Promise<void> {
  const { write, clock, signal, maxItems = 1_000 } = options;
  const batcher = new Batcher({ write, clock, signal, maxItems });
  for await (const { json, position } of arrivals) {
    if (signal.aborted) break;
    await batcher.add({ change: admit(json, options), position });
  }
  await batcher.end();
}

function admit(json: string, { known, counts, onMalformed }: IngestOptions) {
  const parsed = parseRecentChange(json);
  switch (parsed.kind) {
    case 'canary':
      counts.canaries += 1;
      return null;
    case 'malformed':
      counts.malformed += 1;
      onMalformed(parsed.reason, json);
      return null;
    case 'change':
      if (!known.add(parsed.change.meta_id)) {
        counts.duplicates += 1;
        return null;
      }
      counts.changes += 1;
      return parsed.change;
  }
}
