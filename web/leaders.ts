import type { Row } from '../client/rows.ts';
import type { Json } from '../protocol/update.ts';
import { codePointOrder } from './code-point-order.ts';

/** A count exactly as the view holds it: a bigint where a double would lose digits. */
export type Count = number | bigint;

/** One line of a ranking. */
export interface Leader {
  /** Names the line across changes of its count: unique within a ranking. */
  readonly key: string;
  /** null where the view says NULL. */
  readonly name: string | null;
  readonly count: Count;
}

/**
 * The ranking that the rows `[name, count]` of a view make: greatest count first, equal counts by
 * name in code point order (the database's order), NULL last. The same rows in any order make the
 * same ranking, so that equal counts never jitter.
 *
 * @throws {TypeError} when a row is not a name and a whole number.
 */
export function leadersOf(rows: readonly Row[]): Leader[] {
  const sorted = rows.map(parseLine).sort(inRank);
  const seen = new Map<string | null, number>();
  return sorted.map(({ name, count }) => {
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return { key: JSON.stringify([name, nth]), name, count };
  });
}

/**
 * The value of a view of one row and one column, or null when the view has no row.
 *
 * @throws {TypeError} when that value is not a whole number.
 */
export function countOf(rows: readonly Row[]): Count | null {
  const [row] = rows;
  return row === undefined ? null : parseCount(row[0]);
}

type Line = Omit<Leader, 'key'>;

function inRank(a: Line, b: Line): number {
  if (a.count > b.count) return -1;
  if (a.count < b.count) return 1;
  if (a.name === b.name) return 0;
  if (a.name === null) return 1;
  if (b.name === null) return -1;
  return codePointOrder(a.name, b.name);
}

function parseLine(row: Row): Line {
  const [name, count] = row;
  if (typeof name !== 'string' && name !== null) {
    throw new TypeError(`a ranking's first column is a text, got ${JSON.stringify(row)}`);
  }
  return { name, count: parseCount(count) };
}

/** Integers beyond 2^53 − 1 travel as their text. */
function parseCount(value: Json | undefined): Count {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  throw new TypeError(`a count is a whole number, got ${JSON.stringify(value)}`);
}
