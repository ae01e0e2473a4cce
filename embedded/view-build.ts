import type { CreateViewRequest } from './engine.ts';
import { quoteName, quoteText } from './lexer.ts';
import { linearBase, PLAIN_PLANS } from './plan.ts';
import type { KeptPlan, Method } from './relation.ts';
import { tryAggregate } from './view-aggregate.ts';
import { type Analysis, type BuildContext, explain, namedRelations } from './view-analysis.ts';
import { readViewFacts } from './view-facts.ts';
import { tryFirst } from './view-first.ts';
import { tryIvm } from './view-ivm.ts';

/** What became of a view. */
export interface BuiltView {
  readonly method: Method;
  readonly reason: string | null;
  readonly deps: readonly string[];
  readonly temporal: boolean;
  readonly aggregate: KeptPlan | null;
}

/**
 * Makes a view, inside a transaction of the caller's. Every view is first a plain one, so that
 * PostgreSQL says what it means. A materialized one is then kept incrementally where that is known
 * to be exact: filters and projections of one relation stay plain, as their changes follow from the
 * relation's; counts and sums of one table, also of its rows of the last minutes, and the first
 * rows of its groups, are kept by the
 * engine's triggers; pg_ivm is tried for the rest; what remains is re-evaluated.
 *
 * @throws {EngineError} what PostgreSQL has to say about the query.
 */
export async function buildView(
  context: BuildContext,
  request: CreateViewRequest,
): Promise<BuiltView> {
  const analysis = await createPlain(context, request);
  const plain = {
    method: 'view' as const,
    deps: analysis.deps.map((relation) => relation.id),
    temporal: isTemporal(analysis),
    aggregate: null,
  };
  if (!request.materialized) return { ...plain, reason: null };
  const why = whyVolatile(analysis);
  const isWindow = why !== null && asksThePresentOnce(analysis);
  if (why !== null && !isWindow) return { ...plain, reason: why };
  if (analysis.deps.length === 0) return { ...plain, reason: null };
  await context.store.run(PLAIN_PLANS);
  const plan = await explain(context.store, analysis.facts.query);
  if (isWindow) {
    const kept = await tryAggregate(analysis, plan, true);
    return typeof kept === 'string'
      ? { ...plain, reason: why }
      : { ...plain, reason: null, ...kept };
  }
  if (linearBase(plan) !== null && isOneBase(analysis)) return { ...plain, reason: null };
  const aggregate = await tryAggregate(analysis, plan, false);
  if (typeof aggregate !== 'string') return { ...plain, reason: null, ...aggregate };
  const first = await tryFirst(analysis, plan);
  if (typeof first !== 'string') return { ...plain, reason: null, ...first };
  const reason = await tryIvm(analysis, plan);
  return reason === null ? { ...plain, reason: null, method: 'ivm' } : { ...plain, reason };
}

async function createPlain(context: BuildContext, request: CreateViewRequest): Promise<Analysis> {
  const { store, relations } = context;
  const columns =
    request.columns.length === 0 ? '' : ` (${request.columns.map(quoteName).join(', ')})`;
  await store.run(`CREATE VIEW public.${quoteName(request.name)}${columns} AS ${request.query}\n`);
  const [row] = await store.query(
    `SELECT ${quoteText(`public.${quoteName(request.name)}`)}::regclass::oid`,
  );
  const facts = await readViewFacts(store, Number(row?.[0]));
  const deps = await namedRelations(store, relations, facts.relations);
  const views = relations
    .reachable(deps.map((dep) => dep.id))
    .filter((relation) => relation.method === 'view' && relation.oid !== null);
  const allFacts = [facts];
  for (const view of views) allFacts.push(await readViewFacts(store, view.oid ?? 0));
  return { ...context, name: request.name, facts, deps, allFacts };
}

function isTemporal(analysis: Analysis): boolean {
  return (
    analysis.allFacts.some((facts) => facts.timeFunctions !== '' || facts.readsSystem) ||
    analysis.deps.some((dep) => dep.temporal)
  );
}

function whyVolatile(analysis: Analysis): string | null {
  for (const facts of analysis.allFacts) {
    if (facts.timeFunctions !== '') return `it changes with time (${facts.timeFunctions})`;
    if (facts.readsSystem) return 'it reads the catalogue of PostgreSQL';
    if (facts.volatileFunctions !== '') return `it calls ${facts.volatileFunctions}`;
  }
  return isTemporal(analysis) ? 'it changes with time' : null;
}

/** The view itself calls mz_now(), and nothing below it changes with time. */
function asksThePresentOnce({ facts, allFacts, deps }: Analysis): boolean {
  const others = allFacts.filter((each) => each !== facts);
  return (
    facts.timeFunctions === 'mz_now' &&
    facts.volatileFunctions === 'mz_now' &&
    !facts.readsSystem &&
    others.every((each) => each.timeFunctions + each.volatileFunctions === '') &&
    others.every((each) => !each.readsSystem) &&
    deps.every((dep) => !dep.temporal)
  );
}

/** Every step down names one relation, until a table or a kept result. */
function isOneBase(analysis: Analysis): boolean {
  let deps = analysis.deps;
  while (deps.length === 1 && deps[0]?.method === 'view') {
    deps = deps[0].deps.flatMap((id) => analysis.relations.get(id) ?? []);
  }
  return deps.length === 1;
}
