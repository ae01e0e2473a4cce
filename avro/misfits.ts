import avro from 'avsc';
import type { Misfit } from './avro-error.ts';

const longestShown = 60;

function expectation(type: avro.Type): string {
  const { typeName } = type;
  if (type instanceof avro.types.UnwrappedUnionType)
    return type.types.map(expectation).join(' or ');
  if (typeName.startsWith('logical:timestamp')) return 'a time such as 2021-08-27T13:20:17.123Z';
  if (typeName === 'logical:date') return 'a date such as 2021-08-27';
  if (typeName === 'abstract:long') return 'long';
  if (type instanceof avro.types.EnumType) return `one of ${type.symbols.join(', ')}`;
  if (type instanceof avro.types.RecordType) return 'an object';
  if (type instanceof avro.types.ArrayType) return `an array of ${expectation(type.itemsType)}`;
  return typeName.replace(/^logical:/, '');
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `${value} (bigint)`;
  const json = JSON.stringify(value) ?? String(value);
  const text = json.length > longestShown ? `${json.slice(0, longestShown)}…` : json;
  if (value === null) return text;
  return `${text} (${Array.isArray(value) ? 'array' : typeof value})`;
}

function undeclared(value: unknown, type: avro.types.RecordType): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const known = new Set(type.fields.map((field) => field.name));
  return Object.keys(value).filter((name) => !known.has(name));
}

/**
 * Where the value does not fit the type: a missing field, a field of another type, and fields that
 * the schema does not know, which avsc would drop without a word. Empty when it fits.
 */
export function misfitsOf(type: avro.Type, value: unknown): readonly Misfit[] {
  if (fits(type, value)) return [];
  const found: Misfit[] = [];
  const add = (path: readonly string[], expected: string, came: string) => {
    const text = path.join('.');
    if (!found.some((other) => other.path === text)) found.push({ path: text, expected, came });
  };
  const errorHook = (path: string[], part: unknown, at: avro.Type) => {
    const extra = at instanceof avro.types.RecordType ? undeclared(part, at) : [];
    for (const name of extra) {
      const stranger = part instanceof Object ? Reflect.get(part, name) : undefined;
      add([...path, name], 'no such field', shown(stranger));
    }
    if (extra.length === 0) add(path, expectation(at), shown(part));
  };
  try {
    // The first round stops at a record with unknown fields, so the second looks at the others.
    type.isValid(value, { noUndeclaredFields: true, errorHook });
    type.isValid(value, { errorHook });
  } catch (error) {
    // avsc throws when a value fits two branches of a union.
    add([], expectation(type), error instanceof Error ? error.message : String(error));
  }
  return found;
}

/**
 * Where a map has a key `__proto__`, which avsc writes and loses when it reads; empty where none
 * has.
 */
export function lostKeys(value: unknown, path: readonly string[] = []): readonly Misfit[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, key];
    if (key !== '__proto__') return lostKeys(inner, at);
    return [{ path: at.join('.'), expected: 'a key of another name', came: shown(inner) }];
  });
}

function fits(type: avro.Type, value: unknown): boolean {
  try {
    return type.isValid(value, { noUndeclaredFields: true });
  } catch {
    return false;
  }
}
