import type { Json, JsonObject } from '../../protocol/update.ts';

/** One place where a value does not fit its schema, in words. */
interface Misfit {
  /** Field names and array positions with dots between; empty for the value as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly came: string;
}

/** An Avro schema as this stage asks it; `avro/` fulfils it by shape. */
export interface Schema {
  readonly definition: unknown;
  /** An attribute of the outermost type that Avro does not know. */
  attribute(name: string): string | null;
  check(value: unknown): readonly Misfit[];
}

/** A topic's pair of schemas. */
export interface SchemaPair {
  readonly topic: string;
  readonly key: Schema;
  readonly value: Schema;
}

/** A view and the column of it that shows the ids of what is archived. */
export interface ArchivedIn {
  readonly view: string;
  readonly column: string;
}

/** What makes a message whole: under which id it came, and when. */
export interface Arrival {
  readonly id: string;
  readonly nowMs: number;
}

/**
 * What the server sets in a field whose schema says so by `"fill"`: the message's own name, the
 * time it came, or one more hop of its way.
 */
type Fill = 'id' | 'time' | 'provenance';

interface Field {
  readonly name: string;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  readonly fill: Fill | null;
  /** Of a text, in characters; null where nothing bounds it. */
  readonly maxLength: number | null;
}

/** A topic that takes messages: its schemas, and where they are archived. */
export interface Topic {
  readonly name: string;
  readonly archivedIn: ArchivedIn;
  /** The one field of the key, which is the message's id. */
  readonly keyField: string;
  readonly fields: readonly string[];
  /** The value as it is archived, or a sentence that names the field that does not fit. */
  complete(value: Json, arrival: Arrival): JsonObject | string;
  /** Whether a row of the archive, by column, may be what this value became. */
  couldBe(value: Json, row: ReadonlyMap<string, Json>): boolean;
}

/** Why a topic takes no messages. */
export interface NoTopic {
  readonly problem: string;
}

/** Topics by name. */
export interface Topics {
  get(name: string): Topic | NoTopic | undefined;
  /** Those that take messages. */
  names(): readonly string[];
}

const fills: readonly unknown[] = ['id', 'time', 'provenance'] satisfies readonly Fill[];

/** Reads a topic from its schemas. */
export function readTopic({ topic: name, key, value }: SchemaPair): Topic | NoTopic {
  const archived = value.attribute('archivedIn');
  const [, view, column] = /^(.+)\.([^.]+)$/.exec(archived ?? '') ?? [];
  if (view === undefined || column === undefined) {
    const problem = `the topic ${name} takes no messages: its value's schema has no attribute archivedIn, "view.column"`;
    return { problem };
  }
  const [keyField, ...more] = fieldsOf(key);
  if (keyField === undefined || more.length > 0) {
    return { problem: `the topic ${name} takes no messages: its key is not a record of one text` };
  }
  const fields = fieldsOf(value);
  return {
    name,
    archivedIn: { view, column },
    keyField: keyField.name,
    fields: fields.map((field) => field.name),
    complete: (given, arrival) => complete(name, fields, value, given, arrival),
    couldBe: (given, row) => isRecord(given) && couldBe(fields, given, row),
  };
}

function complete(
  topic: string,
  fields: readonly Field[],
  schema: Schema,
  given: Json,
  arrival: Arrival,
): JsonObject | string {
  if (!isRecord(given)) return `expected an object with fields, got ${excerpt(given)}`;
  const bad = badText(given, []);
  if (bad !== null) return bad;
  const whole: Record<string, Json> = { ...given };
  for (const field of fields) {
    const { name, nullable, hasDefault, fill } = field;
    if (whole[name] === undefined && nullable && !hasDefault) whole[name] = null;
    if (fill !== null) whole[name] = filled(topic, fill, whole[name] ?? null, arrival);
  }
  const misfits = schema.check(whole);
  if (misfits.length > 0) return misfits.map(sentenceOf).join('; ');
  return tooLong(fields, whole) ?? whole;
}

function filled(topic: string, fill: Fill, given: Json, { id, nowMs }: Arrival): Json {
  const at = new Date(nowMs).toISOString();
  switch (fill) {
    case 'id':
      return given ?? `${topic}/${at}/${id}`;
    case 'time':
      return given ?? at.replace('T', ' ').replace('Z', '');
    case 'provenance':
      return given === null || Array.isArray(given)
        ? [...(given ?? []), `produce.${topic}/${at}/${id}`]
        : given;
  }
}

function tooLong(fields: readonly Field[], value: JsonObject): string | null {
  for (const { name, maxLength } of fields) {
    const text = value[name];
    if (maxLength === null || typeof text !== 'string') continue;
    const length = [...text].length;
    if (length > maxLength) {
      return `"${name}": expected at most ${maxLength} characters, got ${length}`;
    }
  }
  return null;
}

/** What was filled in was not given, and hops are only ever added. */
function couldBe(
  fields: readonly Field[],
  given: JsonObject,
  row: ReadonlyMap<string, Json>,
): boolean {
  return fields.every(({ name, fill }) => {
    const own = given[name] ?? null;
    const archived = row.get(name);
    if (archived === undefined || fill === 'provenance') return true;
    if (own === null) return fill !== null || archived === null;
    return !comparable(own) || JSON.stringify(own) === JSON.stringify(archived);
  });
}

/** Others, such as numbers of many digits and records, a view may show in another way. */
const comparable = (value: Json): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);

/** PostgreSQL knows no U+0000, and UTF-8 no half of a surrogate pair. */
function badText(value: Json, path: readonly (string | number)[]): string | null {
  if (typeof value === 'string') {
    const place = path.length === 0 ? 'the value' : `"${path.join('.')}"`;
    if (value.includes('\0')) return `${place}: expected text without the character U+0000`;
    if (/\p{Surrogate}/u.test(value)) return `${place}: expected text, got half a surrogate pair`;
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const bad = badText(key, [...path, '(name of a field)']) ?? badText(inner, [...path, key]);
    if (bad !== null) return bad;
  }
  return null;
}

function fieldsOf({ definition }: Schema): readonly Field[] {
  const fields = member(definition, 'fields');
  return Array.isArray(fields) ? fields.map(readField) : [];
}

function readField(field: unknown): Field {
  const type = member(field, 'type');
  const fill = member(field, 'fill');
  const maxLength = member(field, 'maxLength');
  return {
    name: String(member(field, 'name')),
    nullable: type === 'null' || (Array.isArray(type) && type.includes('null')),
    hasDefault: member(field, 'default') !== undefined,
    fill: fills.includes(fill) ? (fill as Fill) : null,
    maxLength: typeof maxLength === 'number' ? maxLength : null,
  };
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

const isRecord = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sentenceOf = ({ path, expected, came }: Misfit): string =>
  `${path === '' ? 'the value' : `"${path}"`}: expected ${expected}, got ${came}`;

function excerpt(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
