import type { Column } from '../../avro/columns.ts';
import { parseSchema } from '../../avro/schema.ts';
import { type SchemasById, TopicDecoder } from '../../kafka/topic-codec.ts';
import type { Message, MessageBatch } from './access.ts';
import { branchValue } from './branches.ts';
import { copyText, copyValue, jsonText, NULL_TEXT, withoutNul } from './copy-text.ts';
import type { Format, Reading } from './definition.ts';
import type { LaidColumn, Schemas, TableLayout } from './table-layout.ts';

/** A message that can never become a row: reading on would leave it out. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
}

/** Who knows the writers' schemas; null where the format is not Avro. */
export interface Registries {
  readonly key: SchemasById | null;
  readonly value: SchemasById | null;
}

/** One message as a row, or as the removal of a key's row. */
export interface DecodedRow {
  /** A line of COPY without its end; null for the removal (UPSERT). */
  readonly line: string | null;
  /** The key columns as COPY texts; [] without ENVELOPE UPSERT. */
  readonly key: readonly string[];
}

/** What decoding a batch gave: the rows before the first message that fails, and that failure. */
export interface DecodedBatch {
  readonly rows: readonly DecodedRow[];
  /** The offset to read from after these rows. */
  readonly next: bigint;
  readonly failure: Undecodable | null;
}

/** Makes rows of the messages of one table. */
export class Decoder {
  readonly #reading: Reading;
  readonly #layout: TableLayout;
  readonly #halves: { readonly key: Half; readonly value: Half };
  readonly #keyColumns: readonly LaidColumn[];

  constructor(reading: Reading, layout: TableLayout, schemas: Schemas, registries: Registries) {
    this.#reading = reading;
    this.#layout = layout;
    this.#halves = {
      key: new Half(reading.key, schemas.key, registries.key),
      value: new Half(reading.value, schemas.value, registries.value),
    };
    const keys = new Set(layout.keyColumns);
    this.#keyColumns = layout.columns.filter(({ name }) => keys.has(name));
  }

  /** Rejects while a schema that is needed cannot be had. */
  async decode(batch: MessageBatch): Promise<DecodedBatch> {
    const usesKey = this.#layout.columns.some(({ origin }) => origin.kind.startsWith('key'));
    const { key, value } = this.#halves;
    if (usesKey) await key.learn(batch.messages.map((message) => message.key));
    await value.learn(batch.messages.map((message) => message.value));
    const rows: DecodedRow[] = [];
    for (const message of batch.messages) {
      try {
        rows.push(this.#row(batch.partition, message, usesKey));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const where = `the message at offset ${message.offset} of partition ${batch.partition}`;
        const failure = new Undecodable(`${where} cannot be read: ${why}`);
        return { rows, next: message.offset, failure };
      }
    }
    return { rows, next: batch.next, failure: null };
  }

  #row(partition: number, message: Message, usesKey: boolean): DecodedRow {
    const { envelope } = this.#reading;
    const key = usesKey ? this.#halves.key.read(message.key) : null;
    if (envelope === 'upsert' && message.key === null) throw new Error('it has no key');
    if (envelope === 'none' && message.value === null) {
      throw new Error('it has no value, and only ENVELOPE UPSERT knows what that means');
    }
    const keyTexts = this.#keyColumns.map((column) => textOf(column, key, null));
    if (message.value === null) return { line: null, key: keyTexts };
    const value = this.#halves.value.read(message.value);
    const texts = this.#layout.columns.map((column) => {
      switch (column.origin.kind) {
        case 'partition':
          return String(partition);
        case 'offset':
          return String(message.offset);
        case 'timestamp':
          return new Date(message.timestampMs).toISOString();
        default:
          return textOf(column, key, value);
      }
    });
    return { line: texts.join('\t'), key: keyTexts };
  }
}

function textOf(column: LaidColumn, key: unknown, value: unknown): string {
  const { origin } = column;
  if (origin.kind === 'key-record') return key === null ? NULL_TEXT : copyText(jsonText(key));
  if (origin.kind !== 'key' && origin.kind !== 'value') return NULL_TEXT;
  const half = origin.kind === 'key' ? key : value;
  return copyValue(origin.field.type, fieldOf(half, origin.field));
}

function fieldOf(half: unknown, field: Column): unknown {
  if (half === null) return null;
  if (half instanceof Whole) return half.value;
  const value: unknown = Reflect.get(half as object, field.name);
  return value === undefined ? branchValue(half as object, field) : value;
}

/** What a format without fields gives. */
class Whole {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The key or the value of a topic's messages. */
class Half {
  readonly #format: Format | null;
  readonly #avro: TopicDecoder | null;

  constructor(format: Format | null, schema: string | null, registry: SchemasById | null) {
    this.#format = format;
    this.#avro =
      schema === null || registry === null ? null : new TopicDecoder(registry, parseSchema(schema));
  }

  /** Gets the writers' schemas that are not known yet. */
  async learn(bodies: readonly (Buffer | null)[]): Promise<void> {
    await this.#avro?.prepare(bodies);
  }

  read(body: Buffer | null): unknown {
    if (body === null || this.#format === null) return null;
    switch (this.#format.kind) {
      case 'avro':
        return this.#avro?.decode(body) ?? null;
      case 'text':
        return new Whole(utf8(body));
      case 'bytes':
        return new Whole(body);
      case 'json':
        return new Whole(checkedJson(utf8(body)));
    }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(body: Buffer): string {
  try {
    return decoder.decode(body);
  } catch (error) {
    throw new Error('it is no UTF-8 text', { cause: error });
  }
}

/** Kept as it is written, so that no number loses digits. */
function checkedJson(text: string): string {
  JSON.parse(text);
  return withoutNul(text);
}
