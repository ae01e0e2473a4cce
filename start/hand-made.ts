import { quoteName } from '../embedded/lexer.ts';
import type { DefinitionKind } from './definition.ts';
import { messageOf } from './message-of.ts';

/** What applying SQL asks of the database. */
export interface Database {
  /** Runs one statement in autocommit. Rejects with the database's error. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** What lists the user's objects with `name` and `type`; without it, the embedded engine's. */
  readonly objects?: string;
}

export type RelationKind = DefinitionKind;

/** The statement a view was created with; null for what is no view. */
export async function showCreate(
  database: Database,
  kind: RelationKind,
  name: string,
): Promise<string | null> {
  if (kind !== 'view' && kind !== 'materialized-view') return null;
  const words = kind === 'view' ? 'VIEW' : 'MATERIALIZED VIEW';
  const rows = await database.query(`SHOW CREATE ${words} ${quoteName(name)}`);
  // A Materialize up to 0.26 names the column after the statement.
  const sql = rows[0]?.create_sql ?? rows[0]?.['Create View'];
  return typeof sql === 'string' ? sql : null;
}

/**
 * Creates views again that a CASCADE took along, whatever their order. What does not fit any more
 * is told together with its statement, so that nothing made by hand is lost.
 */
export async function restoreViews(
  database: Database,
  statements: ReadonlyMap<string, string>,
): Promise<{ readonly names: readonly string[]; readonly problems: readonly string[] }> {
  const names: string[] = [];
  let left = [...statements];
  let problems: string[] = [];
  for (let passes = left.length; passes > 0 && left.length > 0; passes--) {
    const failed: typeof left = [];
    problems = [];
    for (const [name, sql] of left) {
      try {
        await database.query(sql);
        names.push(name);
      } catch (error) {
        failed.push([name, sql]);
        const reason = messageOf(error);
        problems.push(
          `the view ${name}, made by hand, stood upon a view that changed and does not fit it any more (${reason}). It was: ${sql}`,
        );
      }
    }
    left = failed;
  }
  return { names, problems };
}
