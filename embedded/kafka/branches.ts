import type { Column } from '../../avro/columns.ts';

/**
 * The value of a column that stands for one type of a union: the field `f` of several types makes
 * the columns `f1`, `f2` … (avro/columns.ts). avsc hands out the bare value where the types differ
 * in JavaScript, and `{ type: value }` where they do not. Null for another type's column.
 */
export function branchValue(record: object, column: Column): unknown {
  for (let end = column.name.length - 1; /\d/.test(column.name.charAt(end)); end--) {
    const field = column.name.slice(0, end);
    if (field in record) return ofBranch(column, Reflect.get(record, field));
  }
  return null;
}

/** Types that avsc cannot tell apart by their values. */
const WRAPPED: Readonly<Record<string, string>> = {
  int: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double precision',
};

function ofBranch(column: Column, value: unknown): unknown {
  const [[name, inner] = [], more] =
    typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const wrapped = name === undefined || more !== undefined ? undefined : WRAPPED[name];
  if (wrapped === undefined) return fits(column, value) ? value : null;
  return column.type.kind === 'scalar' && column.type.name === wrapped ? inner : null;
}

function fits({ type }: Column, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  switch (type.kind) {
    case 'list':
      return Array.isArray(value);
    case 'map':
    case 'record':
      return typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value);
    case 'scalar':
      return fitsScalar(type.name, value);
  }
}

function fitsScalar(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return name === 'boolean';
  if (Buffer.isBuffer(value)) return name === 'bytea';
  if (typeof value === 'number') return /^(?:integer|bigint|real|double precision)$/.test(name);
  if (typeof value !== 'string') return false;
  return !/^(?:integer|real|double|boolean|bytea|bigint)/.test(name) || isWideLong(name, value);
}

/** Longs beyond a double's reach are texts of digits. */
function isWideLong(name: string, value: string): boolean {
  return name === 'bigint' && /^-?\d{16,19}$/.test(value);
}
