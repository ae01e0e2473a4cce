import type { BatchMessage, RowChange, ViewRequest } from '../protocol/message.ts';
import type { Changes, Timestamp } from '../protocol/update.ts';
import { type FakeView, rowChanges } from './fake-view.ts';

/** What a batch of the fake server is about. */
export interface FakeBatch {
  readonly channel: number;
  readonly lower: Timestamp | null;
  readonly upper: Timestamp;
  readonly requests: readonly ViewRequest[];
  readonly views: ReadonlyMap<string, FakeView>;
  /** More changes than this travel in parts. */
  readonly partRows: number;
}

/** The messages of a batch: one, or as many parts as it takes. */
export function batchMessages(batch: FakeBatch): BatchMessage[] {
  const { channel, lower, upper, partRows } = batch;
  const all = batch.requests.flatMap((request) =>
    changesOf(batch, request).map((change) => [request.view, change] as const),
  );
  const parts = Math.max(1, Math.ceil(all.length / partRows));
  return Array.from({ length: parts }, (_, part) => {
    const some = all.slice(part * partRows, (part + 1) * partRows);
    const whole = { type: 'batch' as const, channel, lower, upper, changes: byView(some) };
    return parts === 1 ? whole : { ...whole, part, parts };
  });
}

function changesOf(batch: FakeBatch, { view: name, where }: ViewRequest): RowChange[] {
  const view = batch.views.get(name);
  if (view === undefined) return [];
  const nothing: Changes = new Map();
  const before = batch.lower === null ? nothing : (view.at(batch.lower, where) ?? nothing);
  return rowChanges(before, view.at(batch.upper, where) ?? nothing);
}

function byView(changes: readonly (readonly [string, RowChange])[]): Record<string, RowChange[]> {
  const grouped = new Map<string, RowChange[]>();
  for (const [view, change] of changes) {
    grouped.set(view, [...(grouped.get(view) ?? []), change]);
  }
  return Object.fromEntries(grouped);
}
