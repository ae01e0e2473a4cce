import { EngineError } from './engine.ts';
import { quoteName, quoteText } from './lexer.ts';
import { type PlanNode, parsePlan } from './plan.ts';
import type { Relation, Relations } from './relation.ts';
import type { Store } from './store.ts';
import type { ViewFacts } from './view-facts.ts';

/** What the builder needs to know beside the request. */
export interface BuildContext {
  readonly store: Store;
  readonly relations: Relations;
  /** The id the view will have. */
  readonly id: string;
  /** Ids of tables that let go of old rows. */
  readonly retained: ReadonlySet<string>;
  /** The time of a tick at this moment. */
  readonly now: number;
}

/** A view that was made plain, and what PostgreSQL knows of it. */
export interface Analysis extends BuildContext {
  readonly name: string;
  readonly facts: ViewFacts;
  readonly deps: readonly Relation[];
  /** All facts of the views it opens up into, its own included. */
  readonly allFacts: readonly ViewFacts[];
}

/**
 * The plan of a query. It is asked for as a subquery, because only a query of more than one table
 * expression has all its columns written with their table.
 */
export async function explain(store: Store, query: string): Promise<PlanNode> {
  const rows = await store.query(
    `EXPLAIN (VERBOSE, FORMAT JSON) SELECT * FROM (${query}) AS viewcast_query`,
  );
  return parsePlan(rows.map(([line]) => line).join('\n'));
}

/** The catalogue’s relations among PostgreSQL’s object ids. */
export async function namedRelations(
  store: Store,
  relations: Relations,
  oids: readonly number[],
): Promise<readonly Relation[]> {
  if (oids.length === 0) return [];
  const rows = await store.query(
    `SELECT relname, relnamespace::regnamespace FROM pg_class WHERE oid IN (${oids.join(', ')})`,
  );
  return rows.flatMap(([name, schema]) => {
    const found = relations.all().find((each) => each.name === name && each.schema === schema);
    return found === undefined ? [] : [found];
  });
}

/** The table that a scan of the view's plan reads; null when it is none of the user's. */
export function baseTable({ relations, deps }: Analysis, scan: PlanNode): Relation | null {
  const base = relations
    .tables(deps.map((dep) => dep.id))
    .find((table) => table.name === scan['Relation Name'] && table.schema === scan.Schema);
  return base?.schema === 'public' ? base : null;
}

/** Puts a view over the kept rows where the plain one stood; it must have the same columns. */
export async function replaceView(analysis: Analysis, query: string): Promise<void> {
  const { store } = analysis;
  const name = `public.${quoteName(analysis.name)}`;
  const before = await columnTypes(store, analysis.name);
  await store.run(`DROP VIEW ${name}`);
  const columns = before.map(({ name: column }) => quoteName(column)).join(', ');
  await store.run(`CREATE VIEW ${name} (${columns}) AS ${query}`);
  const after = await columnTypes(store, analysis.name);
  if (JSON.stringify(before) !== JSON.stringify(after)) {
    throw new EngineError('0A000', 'its columns would have other types');
  }
}

/** A view's columns, in order. */
export async function columnTypes(
  store: Store,
  view: string,
): Promise<{ name: string; type: string }[]> {
  const rows = await store.query(
    `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
     WHERE attrelid = ${quoteText(`public.${quoteName(view)}`)}::regclass AND attnum > 0
     ORDER BY attnum`,
  );
  return rows.map(([name, type]) => ({ name: name ?? '', type: type ?? '' }));
}
