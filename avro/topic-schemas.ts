import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AvroError } from './avro-error.ts';
import { type AvroSchema, parseSchema } from './schema.ts';

/** The pair of schemas of one topic. */
export interface TopicSchemas {
  readonly topic: string;
  readonly key: AvroSchema;
  readonly value: AvroSchema;
}

/** Where the project's own schemas stand. */
export const schemaFolder = join(import.meta.dirname, '..', 'avro_schemas');

const part = /^(.+)-(key|value)\.avsc$/;

async function readSchema(folder: string, file: string): Promise<AvroSchema> {
  let json: string;
  try {
    json = await readFile(join(folder, file), 'utf8');
  } catch (error) {
    throw new AvroError(`expected the schema ${file} in ${folder}: ${String(error)}`, {
      cause: error,
    });
  }
  try {
    return parseSchema(json);
  } catch (error) {
    throw new AvroError(`${join(folder, file)}: ${String(error)}`, { cause: error });
  }
}

/** @throws {AvroError} when a file is missing or no schema; it says which and why. */
export async function readTopicSchemas(
  topic: string,
  folder: string = schemaFolder,
): Promise<TopicSchemas> {
  const key = await readSchema(folder, `${topic}-key.avsc`);
  const value = await readSchema(folder, `${topic}-value.avsc`);
  return { topic, key, value };
}

/** The topics that have both files, by name. */
export async function listTopics(folder: string = schemaFolder): Promise<readonly string[]> {
  const parts = (await readdir(folder)).flatMap((file) => {
    const [, topic, half] = part.exec(file) ?? [];
    return topic === undefined ? [] : [{ topic, half }];
  });
  const values = new Set(parts.filter(({ half }) => half === 'value').map(({ topic }) => topic));
  return parts
    .filter(({ topic, half }) => half === 'key' && values.has(topic))
    .map(({ topic }) => topic)
    .sort();
}
