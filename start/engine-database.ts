import pg from 'pg';
import { type Applied, apply, survey, type Wanted } from './apply.ts';
import { planSteps, type Step } from './apply-plan.ts';
import type { Definition } from './definition.ts';
import type { Database } from './hand-made.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { listSqlFiles, readSqlFiles, type SqlFolders } from './sql-folder.ts';
import type { SourcesChoice } from './sql-sources.ts';
import { asTail, recogniseTarget, type Target } from './target.ts';

/** How long one statement may take: a view over a full store is built from all its rows. */
const STATEMENT_LIMIT_MS = 120_000;

/**
 * Applies the SQL below the folders to the engine at `url`. `ledgerFile` belongs to its store.
 *
 * @throws when the engine is away or the folders cannot be read.
 */
export async function applySqlFolder(
  folders: SqlFolders,
  choice: SourcesChoice,
  url: string,
  ledgerFile: string,
): Promise<Applied> {
  return withTarget(url, async (target) => {
    const { definitions, problems } = readDefinitionsFor(folders, choice);
    const ledger = openLedger(ledgerFile, target.identity);
    const applied = await apply(target.database, ledger, definitions, problems.length === 0);
    return { ...applied, problems: [...problems, ...applied.problems] };
  });
}

/** Connects, recognises what is there, and hands it to `work`. */
export async function withTarget<T>(url: string, work: (target: Target) => Promise<T>): Promise<T> {
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
    return await work(await recogniseTarget(database));
  } finally {
    await client.end().catch(() => {});
  }
}

/** What the folders define, in the words of the dialect of the sources. */
export function readDefinitionsFor(
  folders: SqlFolders,
  choice: SourcesChoice,
): { readonly definitions: readonly Definition[]; readonly problems: readonly string[] } {
  const { definitions, problems } = readSqlFiles(listSqlFiles(folders, choice));
  return { problems, definitions: choice.kind === 'tail' ? definitions.map(asTail) : definitions };
}

/** What applying would do; changes nothing but the ledger it is given. */
export async function planSql(
  { database }: Target,
  ledger: Ledger,
  definitions: readonly Definition[],
  complete: boolean,
): Promise<{ readonly steps: readonly Step[]; readonly wanted: Wanted }> {
  const wanted = new Map(definitions.map((definition) => [definition.name, definition]));
  const found = await survey(database, ledger, wanted);
  return { steps: planSteps(found, ledger, wanted, complete), wanted };
}
