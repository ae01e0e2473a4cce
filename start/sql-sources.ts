import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Column, columnsOf, postgresType } from '../avro/columns.ts';
import { parseSchema } from '../avro/schema.ts';
import { quoteName, quoteText } from '../embedded/lexer.ts';
import type { SqlFile } from './sql-folder.ts';

/** Where the relations come from that the views stand over; names the file in `sql/sources/`. */
export type SourcesChoice =
  | { readonly kind: 'embedded' }
  | ({ readonly kind: 'kafka' | 'tail' } & KafkaAddresses);

/** As the database reaches them, which may not be as this machine does. */
export interface KafkaAddresses {
  /** host:port, by commas. */
  readonly kafka: string;
  /** A URL. */
  readonly registry: string;
}

/**
 * The file of the sources with the addresses put in. Within quotes a name stands for the text, as
 * `'${VIEWCAST_REGISTRY}'`; outside of them for a list of literals, one for each part between commas.
 */
export function readSources(folder: string, choice: SourcesChoice, file: string): SqlFile {
  const source = readFileSync(join(folder, 'sources', `${choice.kind}.sql`), 'utf8');
  return { file, source: choice.kind === 'embedded' ? source : putAddresses(source, choice) };
}

export function putAddresses(source: string, { kafka, registry }: KafkaAddresses): string {
  const values: Readonly<Record<string, string>> = {
    VIEWCAST_KAFKA: kafka,
    VIEWCAST_REGISTRY: registry,
  };
  return source.replace(/('?)\$\{(\w+)\}('?)/g, (whole, open: string, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (open === "'") return quoteText(value);
    return value
      .split(',')
      .map((part) => quoteText(part.trim()))
      .join(', ');
  });
}

/** A topic with the schemas that stand in `avro_schemas/`, as JSON. */
export interface TopicPair {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
}

/** The topics that have both schemas in a folder, by name; none where there is no folder. */
export function readPairs(folder: string): readonly TopicPair[] {
  const names = listFolder(folder);
  return names.flatMap((name) => {
    const [, topic] = /^(.+)-value\.avsc$/.exec(name) ?? [];
    if (topic === undefined || !names.includes(`${topic}-key.avsc`)) return [];
    const read = (half: string) => readFileSync(join(folder, `${topic}-${half}.avsc`), 'utf8');
    return [{ topic, key: read('key'), value: read('value') }];
  });
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Statements for the topics that `sources` does not mention, each in a file named after its schema:
 * a relation of the topic's name with the fields of key and value, `offset` and `created_date`.
 */
export function deriveSources(
  pairs: readonly TopicPair[],
  sources: SqlFile,
  choice: SourcesChoice,
): readonly SqlFile[] {
  return unmentioned(pairs, sources, choice).map((pair) => ({
    file: `avro_schemas/${pair.topic}-value.avsc`,
    source: derive(pair, choice),
  }));
}

/** The topics of messages: those whose relations are derived from their schemas. */
export function unmentioned(
  pairs: readonly TopicPair[],
  sources: SqlFile,
  choice: SourcesChoice,
): readonly TopicPair[] {
  return pairs.filter(({ topic }) => !mentions(sources.source, topic, choice));
}

function mentions(source: string, topic: string, choice: SourcesChoice): boolean {
  if (choice.kind !== 'embedded') return source.includes(`TOPIC ${quoteText(topic)}`);
  return new RegExp(`CREATE TABLE "?${escapePattern(topic)}"?\\s`, 'i').test(source);
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

const ENVELOPE = `INCLUDE KEY, OFFSET, TIMESTAMP AS created_date
  ENVELOPE NONE;
`;

function derive({ topic, key, value }: TopicPair, choice: SourcesChoice): string {
  const [name, source] = [quoteName(topic), quoteName(`${topic}_source`)];
  switch (choice.kind) {
    case 'kafka':
      return `CREATE SOURCE ${source} FROM KAFKA CONNECTION kafka_connection (TOPIC ${quoteText(topic)});
CREATE TABLE ${name} FROM SOURCE ${source} (REFERENCE ${name})
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY CONNECTION registry_connection
  ${ENVELOPE}`;
    case 'tail':
      return `CREATE MATERIALIZED SOURCE ${name}
  FROM KAFKA BROKER ${quoteText(choice.kafka)} TOPIC ${quoteText(topic)}
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY ${quoteText(choice.registry)}
  ${ENVELOPE}`;
    case 'embedded': {
      const [keys, values] = [columnsOf(parseSchema(key)), columnsOf(parseSchema(value))];
      const once = `UNIQUE (${keys.map((column) => quoteName(column.name)).join(', ')})`;
      return `CREATE TABLE ${name} (
  ${[...[...keys, ...values].map(columnSql), OFFSET, CREATED, once].join(',\n  ')}
);
`;
    }
  }
}

/** What Kafka gives to each message, given by the table itself. */
const OFFSET = '"offset" bigint GENERATED ALWAYS AS IDENTITY (MINVALUE 0)';
const CREATED = "created_date timestamp(3) NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')";

function columnSql({ name, type, nullable }: Column): string {
  return `${quoteName(name)} ${postgresType(type)}${nullable ? '' : ' NOT NULL'}`;
}
