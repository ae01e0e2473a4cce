import type { Count } from './leaders.ts';

const COUNT = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** A count with separators between thousands: `1,950`. */
export function formatCount(count: Count): string {
  return COUNT.format(count);
}

/** A count in few letters, for axes: `1.2K`. */
export function formatCompact(count: number): string {
  return COMPACT.format(count);
}

/** A time of day on the reader's clock: `14:03:22`. */
export function formatClock(time: Date): string {
  return CLOCK.format(time);
}

/** A day on the reader's calendar: `27 Aug 2021`. */
export function formatDay(time: Date): string {
  return DAY.format(time);
}
