import type { Changes } from '../../protocol/update.ts';
import type { StreamMember } from './member.ts';
import type { ResumeToken } from './resume-token.ts';
import type { StreamEncoder } from './stream-encoder.ts';
import type { LiveView } from './view.ts';

/** What one viewer alone is to be sent, framed for it. */
export type Owed =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'batch' | 'snapshot'; readonly bytes: Uint8Array };

/**
 * What leads a viewer from `held` (null: from nothing that this server knows) to where the view
 * stands: the consolidated batch, or the snapshot where that is all there is, or is smaller and
 * may replace what the viewer holds. `marked` says so in the snapshot.
 */
export function owedTo(
  view: LiveView,
  encoder: StreamEncoder,
  held: ResumeToken | null,
  { format, replaceable }: Pick<StreamMember, 'format' | 'replaceable'>,
  marked: boolean,
): Owed {
  const position = { epoch: view.epoch, frontier: view.frontier ?? 0 };
  const missed = held === null ? null : missedSince(view, held);
  if (missed?.size === 0) return { kind: 'nothing' };
  const batch = missed === null ? null : encoder.batch(missed, position)(format);
  // Encoding all rows is worth it only where there are about as many changes.
  const maybeLarger = replaceable && (missed?.size ?? 0) > view.rows.size;
  const larger = maybeLarger && batch !== null && encoder.snapshotSize() < batch.byteLength;
  return batch === null || larger
    ? { kind: 'snapshot', bytes: encoder.snapshot(format, position, marked) }
    : { kind: 'batch', bytes: batch };
}

/** What a viewer of that position lacks; null when only a snapshot helps. */
function missedSince(view: LiveView, held: ResumeToken): Changes | null {
  if (held.epoch === view.epoch && held.frontier === view.frontier) return new Map();
  if (held.frontier === 'end') return null;
  return view.since(held.epoch, held.frontier)?.changes ?? null;
}
