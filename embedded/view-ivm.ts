import { EngineError } from './engine.ts';
import { quoteName, quoteText } from './lexer.ts';
import { isPlainJoin, type PlanNode } from './plan.ts';
import { type Relation, storeTable } from './relation.ts';
import type { Store } from './store.ts';
import { type Analysis, columnTypes, replaceView } from './view-analysis.ts';
import { ambiguousColumns, readViewFacts } from './view-facts.ts';

/** Keeps a view by pg_ivm where that is known to stay exact; otherwise says why not. */
export async function tryIvm(analysis: Analysis, plan: PlanNode): Promise<string | null> {
  const { store, relations, deps, id } = analysis;
  const kept = deps.find((dep) => dep.method === 'aggregate' || dep.method === 'ivm');
  if (kept !== undefined) return `it reads the materialized view ${kept.name}`;
  const reachable = relations.reachable(deps.map((dep) => dep.id));
  if (reachable.some((dep) => dep.method !== 'table' && dep.method !== 'view')) {
    return 'it reads a materialized view';
  }
  const dropping = reachable.find((dep) => analysis.retained.has(dep.id));
  if (dropping !== undefined) {
    return `${dropping.name} lets go of old rows: this counts the rows that are still kept`;
  }
  if (analysis.allFacts.some((facts) => facts.sumsFractions)) return 'sums of fractions';
  const name = `public.${quoteName(analysis.name)}`;
  const unclear = await ambiguousColumns(store, name);
  const grouped = plan['Node Type'] === 'Aggregate' ? (plan.Output ?? []) : [];
  if (unclear.length > grouped.filter((output) => /^\(?(?:sum|avg)\(/.test(output)).length) {
    return `equal values of ${unclear.join(', ')} may print differently`;
  }
  const result = await store.attempt(async () => {
    await makeIvm(analysis, reachable, storeTable(id));
    if (!isPlainJoin(plan)) {
      throw new EngineError('0A000', 'it does more than join different tables');
    }
  });
  return result instanceof EngineError ? result.message : null;
}

/** Column names are kept simple for pg_ivm, which forgets to quote them for min and max. */
async function makeIvm(
  analysis: Analysis,
  reachable: readonly Relation[],
  target: string,
): Promise<void> {
  const { store } = analysis;
  const columns = await columnTypes(store, analysis.name);
  const names = columns.map((_, index) => `c${index}`);
  const query = await withViews(store, reachable, analysis.facts.query);
  await store.run(
    `SELECT pgivm.create_immv(${quoteText(`${target}(${names.join(', ')})`)}, ${quoteText(query)})`,
  );
  await replaceView(analysis, `SELECT ${names.join(', ')} FROM ${target}`);
}

/** Puts the plain views that a query names in front of it, as pg_ivm takes none in FROM. */
async function withViews(
  store: Store,
  reachable: readonly Relation[],
  query: string,
): Promise<string> {
  const parts: string[] = [];
  for (const view of reachable.filter((relation) => relation.method === 'view')) {
    const { query: definition } = await readViewFacts(store, view.oid ?? 0);
    parts.push(`${quoteName(view.name)} AS (${definition})`);
  }
  if (parts.length === 0) return query;
  const own = /^WITH (?!RECURSIVE)/i.exec(query);
  return own === null
    ? `WITH ${parts.join(', ')} ${query}`
    : `WITH ${parts.join(', ')}, ${query.slice(own[0].length)}`;
}
