import type { Source } from './source.ts';
import type { StreamState } from './stream.ts';

/** What the reader can rely on at this moment. */
export interface ConnectionStatus {
  readonly state: 'connecting' | 'live' | 'reconnecting' | 'stale' | 'ended';
  /** A few words for people. */
  readonly text: string;
}

/** A source that never rests has something to say within this time. */
export const QUIET_LIMIT_MS = 10_000;

/**
 * The status of the whole page: that of its worst stream. A stream cannot say that the server lost
 * its database, so silence counts as stale where the source is known never to rest; a recording may
 * rest, and one that ended stays as it is.
 *
 * @param quietMs the time since the last batch of any stream
 */
export function statusOf(
  streams: readonly StreamState[],
  source: Source | null,
  quietMs: number,
): ConnectionStatus {
  if (streams.includes('reconnecting')) {
    return { state: 'reconnecting', text: 'Reconnecting' };
  }
  if (streams.includes('connecting')) return { state: 'connecting', text: 'Connecting' };
  if (source?.state === 'ended') return { state: 'ended', text: 'Complete' };
  const rests = source === null || source.kind === 'recorded';
  if (!rests && quietMs >= QUIET_LIMIT_MS) {
    return { state: 'stale', text: `Stale, no change for ${Math.floor(quietMs / 1000)} s` };
  }
  return { state: 'live', text: 'Up to date' };
}
