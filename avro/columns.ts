import { AvroError } from './avro-error.ts';
import type { AvroSchema } from './schema.ts';

/** An SQL type, so that each database can write it in its own words. */
export type SqlType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'list'; readonly of: SqlType }
  | { readonly kind: 'map'; readonly of: SqlType }
  | { readonly kind: 'record'; readonly fields: readonly Column[] };

/** A column of the relation that a topic becomes. */
export interface Column {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
}

type Definition = Readonly<Record<string, unknown>>;

const scalars: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double precision',
  string: 'text',
  enum: 'text',
  bytes: 'bytea',
  fixed: 'bytea',
};

const logicals: Readonly<Record<string, string>> = {
  'timestamp-millis': 'timestamp(3)',
  'timestamp-micros': 'timestamp(6)',
  date: 'date',
};

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Named types by their names, short and full, as later fields may refer to them. */
class Names {
  readonly #byName = new Map<string, Definition>();

  add(definition: Definition): void {
    const { name, namespace } = definition;
    if (typeof name !== 'string') return;
    this.#byName.set(name, definition);
    if (typeof namespace === 'string') this.#byName.set(`${namespace}.${name}`, definition);
  }

  get(name: string): Definition {
    const found = this.#byName.get(name);
    if (found === undefined) throw new AvroError(`no SQL type is known for Avro's "${name}"`);
    return found;
  }
}

function typeOf(schema: unknown, names: Names, within: readonly unknown[]): SqlType {
  if (Array.isArray(schema)) {
    const branches = schema.filter((branch) => branch !== 'null');
    if (branches.length === 1) return typeOf(branches[0], names, within);
    throw new AvroError('a union of several types can only be a field, not part of a list or map');
  }
  if (typeof schema === 'string') {
    const scalar = scalars[schema];
    if (scalar !== undefined && schema !== 'enum' && schema !== 'fixed') {
      return { kind: 'scalar', name: scalar };
    }
    return typeOf(names.get(schema), names, within);
  }
  if (!isDefinition(schema)) throw new AvroError(`no SQL type for ${JSON.stringify(schema)}`);
  return typeOfDefinition(schema, names, within);
}

function typeOfDefinition(schema: Definition, names: Names, within: readonly unknown[]): SqlType {
  if (within.includes(schema)) {
    throw new AvroError(`a type that contains itself has no SQL type: ${String(schema.name)}`);
  }
  const inner = [...within, schema];
  names.add(schema);
  const logical = logicals[String(schema.logicalType)];
  if (logical !== undefined) return { kind: 'scalar', name: logical };
  switch (schema.type) {
    case 'array':
      return { kind: 'list', of: typeOf(schema.items, names, inner) };
    case 'map':
      return { kind: 'map', of: typeOf(schema.values, names, inner) };
    case 'record':
      return { kind: 'record', fields: columnsOfRecord(schema, names, inner) };
    case 'enum':
    case 'fixed':
      return { kind: 'scalar', name: scalars[schema.type] ?? 'text' };
    default:
      return typeOf(schema.type, names, within);
  }
}

function columnsOfRecord(
  record: Definition,
  names: Names,
  within: readonly unknown[],
): readonly Column[] {
  const fields: readonly unknown[] = Array.isArray(record.fields) ? record.fields : [];
  return fields.filter(isDefinition).flatMap((field): readonly Column[] => {
    const name = String(field.name);
    if (!Array.isArray(field.type)) {
      return [{ name, type: typeOf(field.type, names, within), nullable: false }];
    }
    const branches = field.type.filter((branch) => branch !== 'null');
    if (branches.length === 0) throw new AvroError(`"${name}" can only be null: no SQL type`);
    return branches.map((branch, i) => ({
      name: branches.length === 1 ? name : `${name}${i + 1}`,
      type: typeOf(branch, names, within),
      nullable: true,
    }));
  });
}

/**
 * The columns that a record's fields become, as Materialize maps them: a nullable field is a
 * nullable column, a field of several types one column for each (`name1`, `name2`).
 *
 * @throws {AvroError} for a schema that is no record, or a type without a counterpart.
 */
export function columnsOf(schema: AvroSchema): readonly Column[] {
  const { definition } = schema;
  if (!isDefinition(definition) || definition.type !== 'record') {
    throw new AvroError('expected a record as the outermost type of a topic');
  }
  const names = new Names();
  names.add(definition);
  return columnsOfRecord(definition, names, [definition]);
}

/** The type in Materialize's words. */
export function materializeType(type: SqlType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'list':
      return `${materializeType(type.of)} list`;
    case 'map':
      return `map[text => ${materializeType(type.of)}]`;
    case 'record':
      return 'record';
  }
}

/** The type in PostgreSQL's words: lists are arrays, maps and records are jsonb. */
export function postgresType(type: SqlType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'list':
      return type.of.kind === 'scalar' ? `${type.of.name}[]` : 'jsonb';
    case 'map':
    case 'record':
      return 'jsonb';
  }
}
