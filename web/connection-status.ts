import type { LineState } from '../client/line.ts';
import type { Frontier } from '../protocol/update.ts';
import { formatLag } from './format.ts';
import type { Source } from './source.ts';

/** What the reader can rely on at this moment. */
export type ConnectionState = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'ended';

/**
 * The state of the whole page.
 *
 * @param line where the subscription of what is on show stands
 * @param known whether there are rows on show
 */
export function stateOf(line: LineState, known: boolean, source: Source | null): ConnectionState {
  switch (line) {
    case 'waiting':
    case 'refused':
    case 'closed':
      return known ? 'reconnecting' : 'connecting';
    case 'resuming':
      return 'reconnecting';
    case 'stale':
      return 'stale';
    case 'live':
      return source?.state === 'ended' ? 'ended' : 'live';
  }
}

/** What decides how far the page is behind; times in ms. */
export interface LagFacts {
  readonly state: ConnectionState;
  /** What is on show holds all updates before this. */
  readonly shown: Frontier | undefined;
  /** When that arrived, by the reader's clock. */
  readonly receivedMs: number;
  readonly nowMs: number;
  readonly paused: boolean;
}

/**
 * How far what is on show is behind the reader's clock, in ms; null where that has no meaning. Live
 * rows are as new as they were when they came, however long nothing has changed since; any others
 * grow older.
 */
export function lagOf({ state, shown, receivedMs, nowMs, paused }: LagFacts): number | null {
  if (shown === undefined || shown === 'end' || state === 'ended') return null;
  return Math.max(0, (state === 'live' && !paused ? receivedMs : nowMs) - shown);
}

/** The state in a few words. */
export function stateText(state: ConnectionState, lagMs: number | null): string {
  const behind = lagMs === null ? '' : `${formatLag(lagMs)} behind`;
  switch (state) {
    case 'connecting':
      return 'Connecting';
    case 'live':
      return behind === '' ? 'Up to date' : behind;
    case 'reconnecting':
      return ['Reconnecting', behind].filter(Boolean).join(', ');
    case 'stale':
      return ['Stale, the database is silent', behind].filter(Boolean).join(', ');
    case 'ended':
      return 'Complete';
  }
}
