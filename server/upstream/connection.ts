import pg from 'pg';
import Cursor from 'pg-cursor';
import { clientConfig } from './client-config.ts';
import { explained } from './connect-error.ts';
import type { Query } from './relation.ts';
import type { Field } from './rows.ts';

/** What a running stream tells; nothing comes after `ended` or `failed`. */
export interface StreamListener {
  /** A row, as texts; `fields` are the same for all rows of the stream. */
  row(values: readonly (string | null)[], fields: readonly Field[]): void;
  /** The stream ended by itself. */
  ended(): void;
  /** The database ended the stream with an error, or the connection broke. */
  failed(error: Error): void;
}

/** One connection to the database, made for one stream. */
export interface Connection {
  readonly query: Query;
  /** Starts the statement and reads it to its end. One stream at a time. */
  stream(statement: string, listener: StreamListener): void;
  /** Cuts the connection, also in the middle of a stream; idempotent. */
  close(): void;
}

/** Opens a connection; rejects when that fails or takes too long. */
export type Connect = () => Promise<Connection>;

const CONNECT_TIMEOUT_MS = 5_000;
const GOODBYE_MS = 1_000;
/**
 * Rows of one Execute. They come one by one as the server flushes them, whatever the number is;
 * pg-cursor keeps a page's rows until its end, so a page costs memory, and its end a round trip.
 */
const PAGE_ROWS = 4_096;

/** Every value stays the text that the wire carries; `values.ts` converts it. */
const RAW_TEXT = { getTypeParser: () => (text: string) => text };

/** Connects by `pg` to a database given by its URL, `postgres://user@host:port/database`. */
export function connector(url: string): Connect {
  return async () => {
    const client = await open(url);
    return wrap(client);
  };
}

async function open(url: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({
      ...clientConfig(url),
      application_name: 'viewcast',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      types: RAW_TEXT,
    });
    // The running query or cursor gets the same error; without a listener it would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      disconnect(client);
      throw error;
    }
    return client;
  } catch (error) {
    throw explained(error);
  }
}

function wrap(client: pg.Client): Connection {
  return {
    async query(sql) {
      const result = await client.query<Record<string, string | null>>(sql);
      return result.rows;
    },
    stream(statement, listener) {
      streamCursor(client, statement, listener);
    },
    close() {
      disconnect(client);
    },
  };
}

function disconnect(client: pg.Client): void {
  // end() cuts a running statement at once; an idle peer that does not answer is cut here.
  const fuse = setTimeout(() => client.connection.stream.destroy(), GOODBYE_MS);
  fuse.unref();
  client.end().then(
    () => clearTimeout(fuse),
    () => client.connection.stream.destroy(),
  );
}

function streamCursor(client: pg.Client, statement: string, listener: StreamListener): void {
  const cursor = new Cursor<readonly (string | null)[]>(statement, undefined, {
    rowMode: 'array',
    types: RAW_TEXT,
  });
  let fields: readonly Field[] | null = null;
  let over = false;
  const finish = (tell: () => void) => {
    if (over) return;
    over = true;
    tell();
  };
  cursor.on('row', (values: readonly (string | null)[], result: pg.QueryResult) => {
    if (over) return;
    fields ??= result.fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID }));
    listener.row(values, fields);
  });
  cursor.on('error', (error: Error) => finish(() => listener.failed(error)));
  cursor.on('end', () => finish(() => listener.ended()));
  const readPage = () => {
    cursor.read(PAGE_ROWS, (error) => {
      if (error) finish(() => listener.failed(error));
      else if (!over) readPage();
    });
  };
  client.query(cursor);
  readPage();
}
