import avro from 'avsc';
import { AvroError, type Misfit, sentenceOf } from './avro-error.ts';
import { logicalTypes } from './logical.ts';
import { longType } from './long.ts';
import { lostKeys, misfitsOf } from './misfits.ts';

/** A parsed Avro schema and what one does with it. */
export interface AvroSchema {
  /** The schema as it was given, minified; what a registry is told. */
  readonly json: string;
  /** The same, parsed. */
  readonly definition: unknown;
  /** Attributes of the outermost type that Avro does not know, such as `archivedIn`. */
  attribute(name: string): string | null;
  /** Where the value does not fit; empty when it does. */
  check(value: unknown): readonly Misfit[];
  /** @throws {AvroError} with `misfits`, when the value does not fit. */
  encode(value: unknown): Buffer;
  /** Values of this very schema. @throws {AvroError} for anything but exactly one value. */
  decode(bytes: Buffer): unknown;
  /**
   * Reads values of another writer's schema as values of this one.
   *
   * @throws {AvroError} when the schemas cannot be brought together.
   */
  reader(writer: string): (bytes: Buffer) => unknown;
}

/** Puts our exact `long` in the place of avsc's. */
function exactLongs(schema: unknown): avro.Type | undefined {
  if (schema === 'long') return longType;
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined;
  return schema.type === 'long' ? longType : undefined;
}

/** The same, but leaves alone what becomes one of our logical types. */
function typeHook(schema: unknown): avro.Type | undefined {
  const logical =
    typeof schema === 'object' && schema !== null && 'logicalType' in schema
      ? String(schema.logicalType)
      : '';
  return Object.hasOwn(logicalTypes, logical) ? undefined : exactLongs(schema);
}

function parseJson(json: string, what: string): avro.Schema {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new AvroError(`expected ${what} as JSON: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Writes into a buffer that grows to the largest value, so that a value costs one copy. */
class Writer {
  #slab: Buffer = Buffer.allocUnsafe(4_096);

  write(type: avro.Type, value: unknown): Buffer {
    let end = type.encode(value, this.#slab, 0);
    if (end < 0) {
      this.#slab = Buffer.allocUnsafe(2 * (this.#slab.length - end));
      end = type.encode(value, this.#slab, 0);
    }
    return Buffer.from(this.#slab.subarray(0, end));
  }
}

/** @throws {AvroError} for what is no Avro schema. */
export function parseSchema(json: string): AvroSchema {
  const definition = parseJson(json, 'an Avro schema');
  let type: avro.Type;
  try {
    type = avro.Type.forSchema(definition, {
      typeHook,
      logicalTypes,
      omitRecordMethods: true,
    });
  } catch (error) {
    throw new AvroError(`expected an Avro schema: ${messageOf(error)}`, { cause: error });
  }
  const writer = new Writer();
  const minified = JSON.stringify(definition);
  // Looked for only where there can be some.
  const mayHaveMaps = minified.includes('"map"');
  const check = (value: unknown): readonly Misfit[] => {
    const misfits = misfitsOf(type, value);
    return misfits.length === 0 && mayHaveMaps ? lostKeys(value) : misfits;
  };
  return {
    json: minified,
    definition,
    attribute: (name) => {
      const value: unknown = definition instanceof Object ? Reflect.get(definition, name) : null;
      return typeof value === 'string' ? value : null;
    },
    check,
    encode: (value) => {
      const misfits = check(value);
      if (misfits.length > 0) throw new AvroError(misfits.map(sentenceOf).join('; '), { misfits });
      return writer.write(type, value);
    },
    decode: (bytes) => read(() => type.fromBuffer(bytes)),
    // Resolving costs half as much again as reading.
    reader: (writerJson) =>
      isSame(writerJson, definition)
        ? (bytes) => read(() => type.fromBuffer(bytes))
        : makeReader(type, writerJson),
  };
}

function isSame(json: string, definition: unknown): boolean {
  return JSON.stringify(parseJson(json, "a writer's schema")) === JSON.stringify(definition);
}

function read(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    throw new AvroError(`not a value of the schema: ${messageOf(error)}`, { cause: error });
  }
}

function resolverOf(reader: avro.Type, writer: avro.Schema) {
  try {
    // Without logical types: the reader's decide what its fields become.
    return reader.createResolver(avro.Type.forSchema(writer, { typeHook: exactLongs }));
  } catch {
    // avsc reads its own longs as doubles, and not ours.
    return reader.createResolver(avro.Type.forSchema(writer));
  }
}

function makeReader(reader: avro.Type, writerJson: string): (bytes: Buffer) => unknown {
  const writer = parseJson(writerJson, "a writer's schema");
  let resolver: ReturnType<typeof resolverOf>;
  try {
    resolver = resolverOf(reader, writer);
  } catch (error) {
    throw new AvroError(`the writer's schema cannot be read as this one: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return (bytes) => read(() => reader.fromBuffer(bytes, resolver));
}
