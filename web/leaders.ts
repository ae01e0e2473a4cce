import type { Row } from '../client/rows.ts';
import type { Column, Json } from '../protocol/update.ts';
import { codePointOrder } from './code-point-order.ts';

/** A count exactly as the view holds it: a bigint where a double would lose digits. */
export type Count = number | bigint;

/** Who makes a change; null where a view does not say. */
export type Kind = 'person' | 'bot' | 'anonymous';

/** One line of a ranking. */
export interface Leader {
  /** Names the line across changes of its count: unique within a ranking. */
  readonly key: string;
  /** null where the view says NULL. */
  readonly name: string | null;
  readonly count: Count;
  readonly kind: Kind | null;
}

/** Which columns of a row make a line of a ranking. */
export interface LeaderColumns {
  readonly name: number;
  readonly count: number;
  /** -1: there is none. */
  readonly kind: number;
}

/** Rows `[name, count]`. */
const PAIR: LeaderColumns = { name: 0, count: 1, kind: -1 };

/** The columns `user`, `count` and `kind` of a view. */
export function leaderColumns(columns: readonly Pick<Column, 'name'>[]): LeaderColumns {
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  return { name: at('user'), count: at('count'), kind: at('kind') };
}

/**
 * The ranking that the rows of a view make: greatest count first, equal counts by name in code
 * point order (the database's order), NULL last, then by kind. The same rows in any order make the
 * same ranking, so that equal counts never jitter.
 *
 * @throws {TypeError} when a row is not a name and a whole number.
 */
export function leadersOf(rows: readonly Row[], columns: LeaderColumns = PAIR): Leader[] {
  const sorted = rows.map((row) => parseLine(row, columns)).sort(inRank);
  const seen = new Map<string, number>();
  return sorted.map((line) => {
    const name = JSON.stringify([line.name, line.kind]);
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return { key: `${name} ${nth}`, ...line };
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
  if (a.name === b.name) return codePointOrder(a.kind ?? '', b.kind ?? '');
  if (a.name === null) return 1;
  if (b.name === null) return -1;
  return codePointOrder(a.name, b.name);
}

function parseLine(row: Row, columns: LeaderColumns): Line {
  const name = row[columns.name];
  if (typeof name !== 'string' && name !== null) {
    throw new TypeError(`a ranking names its lines by a text, got ${JSON.stringify(row)}`);
  }
  return { name, count: parseCount(row[columns.count]), kind: parseKind(row[columns.kind]) };
}

/** The kind that a value names; null for any other. */
export function parseKind(value: Json | undefined): Kind | null {
  return value === 'person' || value === 'bot' || value === 'anonymous' ? value : null;
}

/** Integers beyond 2^53 − 1 travel as their text. */
function parseCount(value: Json | undefined): Count {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  throw new TypeError(`a count is a whole number, got ${JSON.stringify(value)}`);
}
