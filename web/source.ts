import type { Row } from '../client/rows.ts';
import { formatDay } from './format.ts';

/** Where the changes come from, as the view `input` says it. */
export interface Source {
  readonly kind: 'live' | 'recorded' | 'generated';
  /** For people, such as the day of a recording; may be empty. */
  readonly label: string;
  readonly state: 'connected' | 'reconnecting' | 'ended';
}

/**
 * The source in the rows (kind, label, state, since) of the view `input`, the latest where there
 * are several; null where there is none that this page knows.
 */
export function sourceOf(rows: readonly Row[]): Source | null {
  const latest = rows.toSorted((a, b) => String(b[3]).localeCompare(String(a[3])))[0];
  if (latest === undefined) return null;
  const [kind, label, state] = latest;
  if (kind !== 'live' && kind !== 'recorded' && kind !== 'generated') return null;
  const known = state === 'reconnecting' || state === 'ended' ? state : 'connected';
  return { kind, label: typeof label === 'string' ? label : '', state: known };
}

/** What the badge says: always which of live, recorded and generated it is. */
export function badgeText(source: Source): string {
  switch (source.kind) {
    case 'live':
      return source.state === 'reconnecting' ? 'Live, reconnecting to Wikimedia' : 'Live';
    case 'recorded':
      return (
        `Recorded ${dayOf(source.label)}`.trimEnd() + (source.state === 'ended' ? ', ended' : '')
      );
    case 'generated':
      return 'Generated, not real';
  }
}

/** A label that is an ISO day or time reads as a day, any other as it stands. */
function dayOf(label: string): string {
  const day = /^(\d{4})-(\d\d)-(\d\d)/.exec(label);
  if (day === null) return label;
  return formatDay(new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])));
}
