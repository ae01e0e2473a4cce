import { Capture } from './capture.ts';
import { EngineError } from './engine.ts';
import { quoteName } from './lexer.ts';
import { linearBase, PLAIN_PLANS } from './plan.ts';
import type { Relation, Relations } from './relation.ts';
import type { Store } from './store.ts';
import { explain } from './view-analysis.ts';
import { readViewFacts } from './view-facts.ts';

/** Where the changes of a relation come from. */
export type ChangeSource =
  /** The changed rows of what is kept: itself. */
  | { readonly kind: 'kept'; readonly base: Relation }
  | LinearSource
  /** The whole result, compared with the one before, whenever one of the tables was touched. */
  | { readonly kind: 'reevaluated'; readonly tables: readonly Relation[] };

/** Its query, run over the changed rows of the one relation it filters and projects. */
export interface LinearSource {
  readonly kind: 'linear';
  readonly base: Relation;
  /** Queries for the rows that came and for those that went. */
  readonly added: string;
  readonly removed: string;
}

/**
 * Decides where a relation's changes come from and captures them from now on; null when it can
 * never change. In a turn.
 */
export async function openSource(
  store: Store,
  capture: Capture,
  relations: Relations,
  relation: Relation,
): Promise<ChangeSource | null> {
  if (relation.method !== 'view') {
    return captured(capture, relations, { kind: 'kept', base: relation });
  }
  const tables = relations.tables(relation.deps);
  if (!relation.temporal) {
    if (tables.length === 0) return null;
    const linear = await linearSource(store, relations, relation);
    if (linear !== null) {
      await captured(capture, relations, linear);
      if (await readsChangesOnly(store, linear)) return linear;
      await closeSource(capture, relations, linear);
    }
  }
  return captured(capture, relations, { kind: 'reevaluated', tables });
}

async function captured(
  capture: Capture,
  relations: Relations,
  source: ChangeSource,
): Promise<ChangeSource> {
  if (source.kind !== 'reevaluated') await capture.wantRows(relations, source.base);
  else for (const table of source.tables) await capture.wantTouch(relations, table);
  return source;
}

/** Captures them no longer. In a turn. */
export async function closeSource(
  capture: Capture,
  relations: Relations,
  source: ChangeSource,
): Promise<void> {
  if (source.kind !== 'reevaluated') await capture.unwantRows(relations, source.base);
  else for (const table of source.tables) await capture.unwantTouch(relations, table);
}

/** The relation as filters and projections of one that is kept; null where it is more. */
async function linearSource(
  store: Store,
  relations: Relations,
  relation: Relation,
): Promise<LinearSource | null> {
  const views: Relation[] = [];
  let base = relation;
  while (base.method === 'view') {
    views.push(base);
    const [dep, ...others] = base.deps.flatMap((id) => relations.get(id) ?? []);
    if (dep === undefined || others.length > 0) return null;
    base = dep;
  }
  const definitions = new Map<Relation, string>();
  for (const view of views) {
    const facts = await readViewFacts(store, view.oid ?? 0);
    if (facts.timeFunctions !== '' || facts.volatileFunctions !== '' || facts.readsSystem)
      return null;
    definitions.set(view, facts.query);
  }
  const whole = await meaning(store, definitions.get(relation) ?? '');
  if (whole === null) return null;
  const queries = [1, -1].map((diff) => deltaQuery(base, views.toReversed(), definitions, diff));
  const [added = '', removed = ''] = queries;
  return { kind: 'linear', base, added, removed };
}

async function meaning(store: Store, query: string): Promise<unknown> {
  await store.run('BEGIN');
  try {
    await store.run(PLAIN_PLANS);
    return linearBase(await explain(store, query));
  } finally {
    await store.run('ROLLBACK');
  }
}

/** The relation's own query, with its base standing for the rows that came, or went. */
function deltaQuery(
  base: Relation,
  views: readonly Relation[],
  definitions: ReadonlyMap<Relation, string>,
  diff: number,
): string {
  const columns = base.columns
    .map(({ name }, index) => `c${index} AS ${quoteName(name)}`)
    .join(', ');
  const parts = [
    `${quoteName(base.name)} AS (SELECT ${columns} FROM ${Capture.deltaTable(base)} WHERE diff = ${diff})`,
    ...views.map((view) => `${quoteName(view.name)} AS (${definitions.get(view)})`),
  ];
  const last = views.at(-1)?.name ?? base.name;
  return `WITH ${parts.join(', ')} SELECT * FROM ${quoteName(last)}`;
}

/** Whether a linear source reads changed rows only: a name might have meant something else. */
async function readsChangesOnly(store: Store, { added }: LinearSource): Promise<boolean> {
  try {
    const base = linearBase(await explain(store, added));
    return base?.schema === 'viewcast_delta';
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}
