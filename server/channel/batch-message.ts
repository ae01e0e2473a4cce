import type { Changes, Column, Frontier } from '../../protocol/update.ts';
import type { Held, Position } from './position.ts';

/** A message longer than this travels in parts, in UTF-16 units of its changes. */
const PART_LENGTH = 64 * 1024;

/** A batch of `ws /api/v1` (PROTOCOL.md, "Server to client"), before it is cut into parts. */
export interface BatchToSend {
  readonly channel: number;
  /** Null for a snapshot. */
  readonly lower: Frontier | null;
  readonly upper: Position;
  readonly changes: ReadonlyMap<string, Changes>;
}

const heldField = (held: Held): object => (Object.keys(held).length === 0 ? {} : { held });

/** The messages of a batch, each encoded: one, or several parts in order. O(rows). */
export function encodeBatch(batch: BatchToSend): readonly Uint8Array[] {
  const cuts = cutChanges(batch.changes);
  const { channel, lower, upper } = batch;
  const head = JSON.stringify({ type: 'batch', channel, lower, upper: upper.frontier });
  return cuts.map((changes, part) => {
    const parts = cuts.length === 1 ? {} : { part, parts: cuts.length };
    const rest = JSON.stringify({ ...heldField(upper.held), ...parts });
    const tail = rest === '{}' ? '}' : `,${rest.slice(1)}`;
    return Buffer.from(`${head.slice(0, -1)},"changes":{${changes}}${tail}`);
  });
}

/** The inside of `changes`, cut so that no piece is much longer than a part; at least one piece. */
function cutChanges(changes: ReadonlyMap<string, Changes>): readonly string[] {
  const cuts: string[] = [];
  let views: string[] = [];
  let length = 0;
  const close = (): void => {
    cuts.push(views.join(','));
    views = [];
    length = 0;
  };
  for (const [view, rows] of changes) {
    let entries: string[] = [];
    const closeView = (): void => {
      if (entries.length > 0) views.push(`${JSON.stringify(view)}:[${entries.join(',')}]`);
      entries = [];
    };
    for (const [row, diff] of rows) {
      const entry = `[${diff},${row}]`;
      if (length > 0 && length + entry.length > PART_LENGTH) {
        closeView();
        close();
      }
      entries.push(entry);
      length += entry.length + 1;
    }
    closeView();
  }
  if (views.length > 0 || cuts.length === 0) close();
  return cuts;
}

const encode = (message: object): Uint8Array => Buffer.from(JSON.stringify(message));

export const encodeProgress = (
  channel: number,
  { frontier, held }: Position,
  hash: Readonly<Record<string, string>>,
): Uint8Array => encode({ type: 'progress', channel, upper: frontier, hash, ...heldField(held) });

export const encodeStatus = (channel: number, state: 'live' | 'stale'): Uint8Array =>
  encode({ type: 'status', channel, state });

/** How a subscription begins. */
export interface Beginning {
  readonly id: string;
  readonly channel: number;
  readonly epoch: string;
  readonly columns: Readonly<Record<string, readonly Column[]>>;
  readonly resumed: 'snapshot' | 'batch';
  readonly reason?: 'expired' | 'epoch' | 'smaller' | undefined;
}

export const encodeSubscribed = (beginning: Beginning): Uint8Array =>
  encode({ type: 'subscribed', ...beginning });
