import type { Column, Json } from '../protocol/update.ts';
import type { Row } from './rows.ts';
import type { Subscription, ViewTypes } from './subscription.ts';

/** How to sort: by which columns, first the most important, and how many to keep. */
export interface SortOptions {
  readonly by: string | readonly string[];
  /** Of the columns of `by`; the others, which decide between equals, always ascend. */
  readonly descending?: boolean;
  /** The number of rows to keep; all by default. */
  readonly limit?: number;
}

/** Types whose values are texts only where a double would lose something. */
const NUMERIC = /^(?:smallint|integer|bigint|real|double precision|numeric|uint\d|float\d)/;

/**
 * The rows of a view at this moment, sorted as SQL does it. A module of its own, since many pages
 * sort by themselves.
 *
 * @throws {RangeError} when a column is not there.
 */
export function sorted<V extends ViewTypes, K extends keyof V & string>(
  subscription: Pick<Subscription<V>, 'rows' | 'columns'>,
  view: K,
  options: SortOptions,
): V[K][] {
  const rows = subscription.rows(view);
  return rows.length === 0 ? [] : sortRows(rows, subscription.columns(view), options);
}

/**
 * The rows as SQL orders them under `COLLATE "C"`: numbers by value, texts by code point, NULL
 * above all. Rows equal in the columns of `by` are ordered by all columns in turn, so that the
 * answer is always the same. O(n log n).
 *
 * @throws {RangeError} when a column is not there.
 */
export function sortRows<R extends Row>(
  rows: Iterable<R>,
  columns: readonly Column[],
  { by, descending = false, limit }: SortOptions,
): R[] {
  const places = [by].flat().map((name) => placeOf(name, columns));
  const sign = descending ? -1 : 1;
  const sorted = [...rows].sort((a, b) => {
    for (const place of places) {
      const order = compareAt(a, b, place, columns);
      if (order !== 0) return sign * order;
    }
    for (let place = 0; place < columns.length; place++) {
      const order = compareAt(a, b, place, columns);
      if (order !== 0) return order;
    }
    return 0;
  });
  return limit === undefined ? sorted : sorted.slice(0, limit);
}

function placeOf(name: string, columns: readonly Column[]): number {
  const place = columns.findIndex((column) => column.name === name);
  if (place < 0) {
    const names = columns.map((column) => column.name).join(', ');
    throw new RangeError(`expected a column to sort by, one of ${names}; got ${name}`);
  }
  return place;
}

function compareAt(a: Row, b: Row, place: number, columns: readonly Column[]): number {
  return compare(a[place] ?? null, b[place] ?? null, NUMERIC.test(columns[place]?.type ?? ''));
}

function compare(a: Json, b: Json, numeric: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (numeric) {
    const difference = Number(a) - Number(b);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return compareTexts(textOf(a), textOf(b));
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** By code point, as UTF-8 bytes order: UTF-16 units alone put U+E000 to U+FFFF too high. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const order = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
