import type { LineState } from '../client/line.ts';
import type { Source } from './source.ts';

/** What the reader can rely on at this moment. */
export interface ConnectionStatus {
  readonly state: 'connecting' | 'live' | 'reconnecting' | 'stale' | 'ended';
  /** A few words for people. */
  readonly text: string;
}

const RECONNECTING: ConnectionStatus = { state: 'reconnecting', text: 'Reconnecting' };

/**
 * The status of the whole page.
 *
 * @param line where the subscription of what is on show stands
 * @param known whether there are rows on show
 */
export function statusOf(line: LineState, known: boolean, source: Source | null): ConnectionStatus {
  switch (line) {
    case 'waiting':
    case 'refused':
    case 'closed':
      return known ? RECONNECTING : { state: 'connecting', text: 'Connecting' };
    case 'resuming':
      return RECONNECTING;
    case 'stale':
      return { state: 'stale', text: 'Stale, the database is silent' };
    case 'live':
      return source?.state === 'ended'
        ? { state: 'ended', text: 'Complete' }
        : { state: 'live', text: 'Up to date' };
  }
}
