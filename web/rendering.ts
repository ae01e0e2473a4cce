import type { Row } from '../client/rows.ts';
import type { Column, Json } from '../protocol/update.ts';
import type { Count, Leader } from './leaders.ts';

/** How a view is shown that nobody said anything about. */
export type Rendering =
  | { readonly kind: 'number'; readonly value: Count }
  | { readonly kind: 'bars'; readonly leaders: readonly Leader[] }
  | { readonly kind: 'series'; readonly points: readonly Point[] }
  | { readonly kind: 'table' };

/** A value at a time. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

const NUMERIC = /^(?:smallint|integer|bigint|real|double precision|numeric|decimal|uint\d|float\d)/;
const TIME = /^(?:timestamp|date$|mz_timestamp)/;
const TIME_NAME = /^(?:second|minute|hour|day|week|month|time|ts|at)s?$/;
const ID_NAME = /(?:^|_)id$/;

/**
 * The rendering that fits a view's columns and rows: a single number, a ranking of one measure, the
 * course of one measure over time, and a table for the rest.
 */
export function renderingOf(columns: readonly Column[], rows: readonly Row[]): Rendering {
  const numbers = places(columns, ({ type }) => NUMERIC.test(type));
  const [only, ...more] = numbers;
  if (columns.length === 1 && rows.length === 1 && only === 0) {
    const value = countAt(rows[0]?.[0]);
    return value === null ? { kind: 'table' } : { kind: 'number', value };
  }
  const series = columns.length === 2 ? seriesOf(columns, rows) : null;
  if (series !== null) return { kind: 'series', points: series };
  const isMeasure =
    only !== undefined && more.length === 0 && !ID_NAME.test(columns[only]?.name ?? '');
  const leaders = isMeasure && columns.length > 1 ? ranking(rows, only) : null;
  return leaders === null ? { kind: 'table' } : { kind: 'bars', leaders };
}

/** Null where the rows are no course of one value at distinct times. */
function seriesOf(columns: readonly Column[], rows: readonly Row[]): readonly Point[] | null {
  const at = columns.findIndex(
    ({ name, type }) => TIME.test(type) || (NUMERIC.test(type) && TIME_NAME.test(name)),
  );
  if (at < 0 || !NUMERIC.test(columns[1 - at]?.type ?? '') || rows.length < 2) return null;
  const points = rows.map((row) => ({
    time: timeOf(row[at]),
    value: Number(row[1 - at] ?? Number.NaN),
  }));
  if (points.some(({ time, value }) => !Number.isFinite(time) || !Number.isFinite(value)))
    return null;
  if (new Set(points.map(({ time }) => time)).size < points.length) return null;
  return points.sort((a, b) => a.time - b.time);
}

/** Whole numbers are seconds or milliseconds since 1970, as their size says. */
function timeOf(value: Json | undefined): number {
  if (typeof value === 'string') return Date.parse(value);
  if (typeof value !== 'number' || value < 1e8) return Number.NaN;
  return value < 1e11 ? value * 1_000 : value;
}

/** Null where a row has no measure, or one below 0, which no bar can show. */
function ranking(rows: readonly Row[], measure: number): readonly Leader[] | null {
  const seen = new Map<string, number>();
  const leaders: Leader[] = [];
  for (const row of rows) {
    const count = countAt(row[measure]);
    if (count === null || count < 0) return null;
    const others = row.filter((_, at) => at !== measure);
    const name = others.length === 1 && others[0] === null ? null : others.map(textOf).join(' · ');
    const identity = JSON.stringify(others);
    const nth = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, nth);
    leaders.push({ key: `${identity} ${nth}`, name, count, kind: null });
  }
  return leaders.sort((a, b) => Number(b.count) - Number(a.count) || (a.key < b.key ? -1 : 1));
}

function countAt(value: Json | undefined): Count | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : null;
}

/** A value as a reader sees it. */
export function textOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function places(columns: readonly Column[], is: (column: Column) => boolean): number[] {
  return columns.flatMap((column, at) => (is(column) ? [at] : []));
}
