import type { Count } from './leaders.ts';

const COUNT = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const ONE_DIGIT = new Intl.NumberFormat('en', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
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

/** A number of changes a second: `4.2`, from ten on `31`. */
export function formatRate(perSecond: number): string {
  return perSecond < 10 ? ONE_DIGIT.format(perSecond) : COUNT.format(Math.round(perSecond));
}

/** A change of a length in bytes, with its sign: `+1,204`, `−17`, `±0`. */
export function formatDelta(bytes: number): string {
  if (bytes === 0) return '±0';
  return `${bytes < 0 ? '−' : '+'}${COUNT.format(Math.abs(bytes))}`;
}

/** How long ago, in few letters: `0.3 s`, `12 s`, `5 min`, `2 h`. */
export function formatLag(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 9.95) return `${ONE_DIGIT.format(seconds)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
