import pg from 'pg';
import type { EngineConnection } from './submit/engine-sink.ts';
import { clientConfig } from './upstream/client-config.ts';

const CONNECT_LIMIT_MS = 3_000;
/** A statement that takes longer hangs: whether it was done is then unknown. */
const STATEMENT_LIMIT_MS = 10_000;

/** Connects to the engine at a `postgres://` URL for writing. */
export async function connectEngine(url: string): Promise<EngineConnection> {
  const client = new pg.Client({
    ...clientConfig(url),
    application_name: 'viewcast messages',
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    query_timeout: STATEMENT_LIMIT_MS,
    keepAlive: true,
  });
  // The running query gets the same error; without a listener it would end the process.
  client.on('error', () => {});
  const close = (): void => {
    client.connection.stream.destroy();
  };
  try {
    await client.connect();
  } catch (error) {
    close();
    throw error;
  }
  return {
    query: async (sql, values) => (await client.query(sql, [...values])).rows,
    close,
  };
}
