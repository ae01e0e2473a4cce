import type { Changes, Diff, RowText, Timestamp } from '../../protocol/update.ts';
import type { Packed, PackedEntry, ViewEvent } from './message.ts';

/**
 * Events as one text for all workers: to copy that to three threads costs the main thread a third
 * of three clones of the objects (bench/workers.ts).
 */
export const encodeEvents = (events: readonly ViewEvent[]): string => JSON.stringify(events);

/** The events of a text that {@link encodeEvents} made. */
export const decodeEvents = (text: string): readonly ViewEvent[] => JSON.parse(text);

/** Changes to be sent to another thread. */
export const pack = (changes: Changes): Packed => ({
  rows: [...changes.keys()],
  diffs: [...changes.values()],
});

/** The changes that were packed. */
export function unpack({ rows, diffs }: Packed): Map<RowText, Diff> {
  const changes = new Map<RowText, Diff>();
  rows.forEach((row, at) => {
    const diff = diffs[at];
    if (diff !== undefined) changes.set(row, diff);
  });
  return changes;
}

/** An entry of history to be sent to another thread. */
export const packEntry = (entry: {
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly changes: Changes;
}): PackedEntry => ({ first: entry.first, last: entry.last, changes: pack(entry.changes) });
