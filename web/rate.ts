import type { Row } from '../client/rows.ts';
import type { Frontier } from '../protocol/update.ts';

/** How fast changes come in. */
export interface Rate {
  /** The mean of the last whole seconds. */
  readonly perSecond: number;
  /** Changes in each of the last 60 whole seconds, oldest first. */
  readonly series: readonly number[];
}

const SERIES_SECONDS = 60;
/** Long enough to stand still while the pace is the same, short enough to follow it. */
const MEAN_SECONDS = 5;

/**
 * The rate as of a frontier, from rows (second since 1970, changes in it). The second that the
 * frontier is in is not over and does not count; one without a row had no change.
 */
export function rateOf(rows: readonly Row[], asOf: Frontier): Rate {
  const counts = new Map(rows.map(([second, count]) => [Number(second), Number(count)]));
  const end = asOf === 'end' ? Math.max(0, ...counts.keys()) + 1 : Math.floor(asOf / 1_000);
  const series = Array.from(
    { length: SERIES_SECONDS },
    (_, at) => counts.get(end - SERIES_SECONDS + at) ?? 0,
  );
  const recent = series.slice(-MEAN_SECONDS);
  return { perSecond: recent.reduce((sum, count) => sum + count, 0) / MEAN_SECONDS, series };
}
