import pg from 'pg';
import type { Connection } from './store.ts';
import { QueryError } from './store-error.ts';

/** Connects to the engine at a postgres:// URL. Rejects when it is not there within 5 s. */
export async function connectPg(url: string): Promise<Connection> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'stream-ingest',
    keepAlive: true,
  });
  // A lost session shows in the next statement; without a listener it would end the process.
  client.on('error', () => {});
  await client.connect();
  return {
    query: async (text, values = []) => {
      try {
        const result = await client.query<Record<string, unknown>>(text, [...values]);
        return result.rows;
      } catch (error) {
        throw translate(error);
      }
    },
    close: () => client.end(),
  };
}

/** An error that ends the session (FATAL, PANIC) counts as a lost session. */
function translate(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error;
  if (error.severity === 'FATAL' || error.severity === 'PANIC') return error;
  return new QueryError(error.code, error.message);
}
