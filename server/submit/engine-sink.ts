import { type Message, type Sink, SinkError, type SinkState, type Written } from './sink.ts';
import type { Topic } from './topic.ts';
import { asSinkError, type Waiting, WriteQueue, type WriteQueueParts } from './write-queue.ts';

/** One connection to the engine. */
export interface EngineConnection {
  /** Rejects with the database's error, or when the connection is lost. */
  query(
    sql: string,
    values: readonly string[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Idempotent. */
  close(): void;
}

export type EngineSinkParts = Pick<WriteQueueParts, 'after'> & {
  readonly connect: () => Promise<EngineConnection>;
};

/** How the embedded engine ends its `mz_version()`. */
const OWN_VERSION = '(viewcast)';

/**
 * Writes messages into the embedded engine's tables, as Kafka would: with an offset and the time of
 * the append, once for each key.
 */
export class EngineSink implements Sink {
  readonly #connectAnew: () => Promise<EngineConnection>;
  readonly #queue: WriteQueue;
  #connection: Promise<EngineConnection> | null = null;
  #never: string | null = null;

  constructor({ connect, after }: EngineSinkParts) {
    this.#connectAnew = connect;
    this.#queue = new WriteQueue({
      writeAll: (topic, batch) => this.#writeAll(topic, batch),
      after,
      hopeful: () => this.#never === null,
    });
    // Whether the upstream is an engine at all is asked before the first message comes.
    this.#connect().catch(() => {});
  }

  get state(): SinkState {
    return this.#never === null ? { kind: 'open' } : { kind: 'never', message: this.#never };
  }

  write(topic: Topic, message: Message): Promise<Written> {
    return this.#queue.write(topic, message);
  }

  async close(): Promise<void> {
    this.#queue.close();
    const connection = await this.#connection?.catch(() => null);
    connection?.close();
  }

  async #writeAll(topic: Topic, batch: readonly Waiting[]): Promise<SinkError | null> {
    let connection: EngineConnection;
    try {
      connection = await this.#connect();
    } catch (error) {
      return asSinkError(error, 'the engine does not answer');
    }
    try {
      const messages = batch.map(({ message }) => message);
      const rows = await connection.query(insertStatement(topic), [recordsOf(topic, messages)]);
      const written = new Set(rows.map((row) => row.id));
      for (const { message, resolve } of batch) {
        resolve(written.has(message.id) ? 'written' : 'existed');
      }
      return null;
    } catch (error) {
      if (!isRefusal(error)) return this.#lost(connection, error);
      if (batch.length > 1) return this.#writeEach(topic, batch);
      batch[0]?.reject(asSinkError(error, 'the engine does not take the message'));
      return null;
    }
  }

  /** One of them is at fault: each is written by itself, so that only that one suffers. */
  async #writeEach(topic: Topic, batch: readonly Waiting[]): Promise<SinkError | null> {
    for (const one of batch) {
      const failure = await this.#writeAll(topic, [one]);
      if (failure !== null) one.reject(failure);
    }
    return null;
  }

  #lost(connection: EngineConnection, error: unknown): SinkError {
    connection.close();
    this.#connection = null;
    return asSinkError(error, 'the connection to the engine was lost');
  }

  #connect(): Promise<EngineConnection> {
    this.#connection ??= this.#introduce();
    return this.#connection;
  }

  async #introduce(): Promise<EngineConnection> {
    try {
      const connection = await this.#connectAnew();
      const [row] = await connection.query('SELECT mz_version() AS version', []);
      if (String(row?.version).endsWith(OWN_VERSION)) return connection;
      connection.close();
      this.#never =
        'this server takes no messages: name the Kafka they go to (VIEWCAST_KAFKA), or use the embedded engine';
      throw new SinkError(this.#never);
    } catch (error) {
      this.#connection = null;
      throw error;
    }
  }
}

/**
 * Inserts an array of records, $1, in its order, and answers the keys that were not there before.
 * Offset and time are the table's own, as they are Kafka's. The engine runs one statement after the
 * other, so that no two of one key can meet.
 */
export function insertStatement(topic: Topic): string {
  const table = `public.${quoteName(topic.name)}`;
  const key = quoteName(topic.keyField);
  const columns = [topic.keyField, ...topic.fields].map(quoteName);
  return `INSERT INTO ${table} (${columns.join(', ')})
SELECT ${columns.map((column) => `g.${column}`).join(', ')}
FROM (
  SELECT DISTINCT ON (r.${key}) r.*
  FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb) WITH ORDINALITY AS r
  ORDER BY r.${key}, r.ordinality
) AS g
WHERE NOT EXISTS (SELECT FROM ${table} AS t WHERE t.${key} = g.${key})
ORDER BY g.ordinality
RETURNING ${key} AS id`;
}

const recordsOf = (topic: Topic, messages: readonly Message[]): string =>
  JSON.stringify(messages.map(({ id, value }) => ({ ...value, [topic.keyField]: id })));

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The database answered, and said no: pg gives those errors a severity. Those that tell of the
 * database itself (it stops, it is full) may be over in a moment.
 */
const isRefusal = (error: unknown): boolean =>
  error instanceof Error &&
  'severity' in error &&
  'code' in error &&
  !/^(08|25|40|53|57)/.test(String(error.code));
