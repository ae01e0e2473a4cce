import { type Column, columnsOf, postgresType, type SqlType } from '../../avro/columns.ts';
import { parseSchema } from '../../avro/schema.ts';
import { EngineError } from '../engine.ts';
import type { Format, Include, Reading } from './definition.ts';

/** The schemas that were registered when a table was made; null where the format is not Avro. */
export interface Schemas {
  readonly key: string | null;
  readonly value: string | null;
}

/** Where a column's value comes from. */
export type Origin =
  | { readonly kind: 'key' | 'value'; readonly field: Column }
  /** The key as a whole, several fields under one name. */
  | { readonly kind: 'key-record' }
  | { readonly kind: 'partition' | 'offset' | 'timestamp' };

export interface LaidColumn {
  readonly name: string;
  /** In PostgreSQL's words. */
  readonly type: string;
  readonly nullable: boolean;
  readonly origin: Origin;
}

/** A table as the formats and schemas make it: key, value, then what INCLUDE adds. */
export interface TableLayout {
  readonly columns: readonly LaidColumn[];
  /** Names of the columns that are the key of ENVELOPE UPSERT; else []. */
  readonly keyColumns: readonly string[];
}

const SCALAR = (name: string): SqlType => ({ kind: 'scalar', name });
const METADATA = {
  partition: { type: 'integer', name: 'partition' },
  offset: { type: 'bigint', name: 'offset' },
  timestamp: { type: 'timestamp(3)', name: 'timestamp' },
} as const;

/**
 * Lays out a table's columns as Materialize does (its documentation, "CREATE SOURCE: Kafka").
 *
 * @throws {EngineError} for columns that meet under one name, and schemas without SQL types.
 */
export function layOut(reading: Reading, schemas: Schemas): TableLayout {
  const key = keyColumns(reading, schemas);
  const value = formatColumns(reading.value, schemas.value, 'value').map((field) => ({
    name: field.name,
    type: postgresType(field.type),
    nullable: field.nullable,
    origin: { kind: 'value' as const, field },
  }));
  const metadata = reading.include.flatMap(metadataColumn);
  const columns = [...key, ...value, ...metadata];
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new EngineError('42701', `column "${twice}" specified more than once`, {
      hint: 'Give what INCLUDE adds another name: INCLUDE KEY AS …, OFFSET AS …, TIMESTAMP AS ….',
    });
  }
  const keyNames = reading.envelope === 'upsert' ? key.map(({ name }) => name) : [];
  return { columns, keyColumns: keyNames };
}

function keyColumns(reading: Reading, schemas: Schemas): readonly LaidColumn[] {
  const include = reading.include.find(({ what }) => what === 'key');
  if (include === undefined && reading.envelope === 'none') return [];
  if (reading.key === null) {
    throw new EngineError(
      '42601',
      'INCLUDE KEY and ENVELOPE UPSERT need KEY FORMAT … VALUE FORMAT …',
    );
  }
  const fields = formatColumns(reading.key, schemas.key, 'key');
  const nullable = reading.envelope === 'none';
  if (include?.as !== undefined && include.as !== null && fields.length > 1) {
    return [{ name: include.as, type: 'jsonb', nullable, origin: { kind: 'key-record' } }];
  }
  return fields.map((field) => ({
    name: include?.as ?? field.name,
    type: postgresType(field.type),
    nullable: nullable || field.nullable,
    origin: { kind: 'key' as const, field },
  }));
}

/** The columns of a format without a schema are named as Materialize names them. */
function formatColumns(
  format: Format,
  schema: string | null,
  half: 'key' | 'value',
): readonly Column[] {
  const named = (name: string): string => (half === 'key' ? 'key' : name);
  switch (format.kind) {
    case 'text':
      return [{ name: named('text'), type: SCALAR('text'), nullable: false }];
    case 'bytes':
      return [{ name: named('data'), type: SCALAR('bytea'), nullable: false }];
    case 'json':
      return [{ name: named('data'), type: SCALAR('jsonb'), nullable: false }];
    case 'avro':
      return schema === null ? [] : avroColumns(schema, half);
  }
}

function avroColumns(schema: string, half: 'key' | 'value'): readonly Column[] {
  try {
    return columnsOf(parseSchema(schema));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError('0A000', `the ${half}'s Avro schema has no columns here: ${why}`);
  }
}

function metadataColumn({ what, as }: Include): readonly LaidColumn[] {
  if (what === 'key') return [];
  const { type, name } = METADATA[what];
  return [{ name: as ?? name, type, nullable: false, origin: { kind: what } }];
}
