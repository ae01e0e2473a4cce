import pg from 'pg';
import { type Applied, apply } from './apply.ts';
import type { Database } from './hand-made.ts';
import { openLedger } from './ledger.ts';
import { listSqlFiles, readSqlFiles } from './sql-folder.ts';

/** How long one statement may take: a view over a full store is built from all its rows. */
const STATEMENT_LIMIT_MS = 120_000;

/**
 * Applies the SQL below `folder` to the engine at `url`. `ledgerFile` belongs to the engine's store.
 *
 * @throws when the engine is away or the folder cannot be read.
 */
export async function applySqlFolder(
  folder: string,
  url: string,
  ledgerFile: string,
): Promise<Applied> {
  const { definitions, problems } = readSqlFiles(listSqlFiles(folder));
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: STATEMENT_LIMIT_MS,
  });
  // A connection that is lost rejects the query that waits; without a listener it would throw too.
  client.on('error', () => {});
  await client.connect();
  try {
    const database: Database = { query: async (sql) => (await client.query(sql)).rows };
    const [identity] = await database.query('SELECT mz_environment_id() AS id');
    const ledger = openLedger(ledgerFile, String(identity?.id));
    const applied = await apply(database, ledger, definitions, problems.length === 0);
    return { ...applied, problems: [...problems, ...applied.problems] };
  } finally {
    await client.end().catch(() => {});
  }
}
