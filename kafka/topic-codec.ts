import { AvroError } from '../avro/avro-error.ts';
import { frame, unframe } from '../avro/frame.ts';
import type { AvroSchema } from '../avro/schema.ts';
import type { TopicSchemas } from '../avro/topic-schemas.ts';
import { type Registry, RegistryError } from './registry.ts';

/** Messages of one topic as bytes: framed, under the ids that the registry gave its schemas. */
export interface TopicEncoder {
  /** @throws {AvroError} for a key that does not fit. */
  key(value: unknown): Buffer;
  /** @throws {AvroError} for a value that does not fit. */
  value(value: unknown): Buffer;
}

/**
 * Registers the pair of a topic's schemas, checked against what stands there: by the registry at its
 * level of compatibility, and by reading the newest schema's values as ours, whatever that level.
 *
 * @throws {RegistryError} `incompatible`, with what to do; `away` when the registry is.
 */
export async function registerTopic(
  registry: Registry,
  { topic, key, value }: TopicSchemas,
): Promise<TopicEncoder> {
  const keyId = await registerSchema(registry, `${topic}-key`, key);
  const valueId = await registerSchema(registry, `${topic}-value`, value);
  return {
    key: (content) => frame(keyId, key.encode(content)),
    value: (content) => frame(valueId, value.encode(content)),
  };
}

async function registerSchema(
  registry: Registry,
  subject: string,
  schema: AvroSchema,
): Promise<number> {
  const latest = await registry.latest(subject);
  if (latest !== null) {
    const reason =
      unreadable(schema, latest.schema) ?? (await registry.incompatibility(subject, schema.json));
    if (reason !== null) throw cannotFollow(subject, reason);
  }
  try {
    return await registry.register(subject, schema.json);
  } catch (error) {
    // Somebody registered another one in between.
    if (error instanceof RegistryError && error.kind === 'incompatible') {
      throw cannotFollow(subject, error.message);
    }
    throw error;
  }
}

function unreadable(schema: AvroSchema, latest: string): string | null {
  try {
    schema.reader(latest);
    return null;
  } catch (error) {
    if (error instanceof AvroError) return error.message;
    throw error;
  }
}

function cannotFollow(subject: string, reason: string): RegistryError {
  return new RegistryError(
    'incompatible',
    `the schema avro_schemas/${subject}.avsc cannot follow the one that is registered as ${subject}: ` +
      `${reason}. Keep the fields that are there and give new ones a default`,
  );
}

/** What knows the schemas of ids. */
export type SchemasById = Pick<Registry, 'byId'>;

/** Reads the messages of one half of a topic, whatever compatible schema they were written with. */
export class TopicDecoder {
  readonly #registry: SchemasById;
  readonly #schema: AvroSchema;
  readonly #readers = new Map<number, (bytes: Buffer) => unknown>();

  /** @param schema as which values are read. */
  constructor(registry: SchemasById, schema: AvroSchema) {
    this.#registry = registry;
    this.#schema = schema;
  }

  /** Asks the registry for the schemas of these messages where they are new. @throws {RegistryError} */
  async prepare(messages: readonly (Buffer | null)[]): Promise<void> {
    for (const message of messages) {
      if (message === null || message[0] !== 0 || message.length < 5) continue;
      const id = message.readUInt32BE(1);
      if (this.#readers.has(id)) continue;
      const json = await this.#registry.byId(id);
      this.#readers.set(id, this.#readerOf(id, json));
    }
  }

  /** @throws {AvroError} for a message that cannot be read, now or ever. Call `prepare` before. */
  decode(message: Buffer): unknown {
    const { schemaId, body } = unframe(message);
    const reader = this.#readers.get(schemaId);
    if (reader === undefined) throw new AvroError(`the schema ${schemaId} was not prepared`);
    return reader(body);
  }

  #readerOf(id: number, json: string): (bytes: Buffer) => unknown {
    try {
      return this.#schema.reader(json);
    } catch (error) {
      // The messages are at fault, each when its turn comes.
      const reason = error instanceof Error ? error.message : String(error);
      return () => {
        throw new AvroError(`schema ${id}: ${reason}`, { cause: error });
      };
    }
  }
}
