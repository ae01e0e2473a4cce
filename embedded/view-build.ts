import {
  type AggregatePlan,
  originalQuery,
  readAggregate,
  resultColumns,
  resultCondition,
  storeQuery,
} from './aggregate.ts';
import { type CreateViewRequest, EngineError } from './engine.ts';
import { quoteName, quoteText } from './lexer.ts';
import {
  findTopK,
  isPlainJoin,
  linearBase,
  meaningOf,
  PLAIN_PLANS,
  type PlanNode,
  parsePlan,
  sorts,
} from './plan.ts';
import { type Method, type Relation, type Relations, storeName } from './relation.ts';
import type { Store } from './store.ts';
import { ambiguousColumns, readViewFacts, type ViewFacts } from './view-facts.ts';

/** What became of a view. */
export interface BuiltView {
  readonly method: Method;
  readonly reason: string | null;
  readonly deps: readonly string[];
  readonly temporal: boolean;
  readonly aggregate: AggregatePlan | null;
}

/** What the builder needs to know beside the request. */
export interface BuildContext {
  readonly store: Store;
  readonly relations: Relations;
  /** The id the view will have. */
  readonly id: string;
  /** Ids of tables that let go of old rows. */
  readonly retained: ReadonlySet<string>;
}

interface Analysis extends BuildContext {
  readonly name: string;
  readonly facts: ViewFacts;
  readonly deps: readonly Relation[];
  /** All facts of the views it opens up into, its own included. */
  readonly allFacts: readonly ViewFacts[];
}

/**
 * Makes a view, inside a transaction of the caller's. Every view is first a plain one, so that
 * PostgreSQL says what it means. A materialized one is then kept incrementally where that is known
 * to be exact: filters and projections of one relation stay plain, as their changes follow from the
 * relation's; counts and sums of one table are kept by the engine's triggers; pg_ivm is tried for
 * the rest; what remains is re-evaluated.
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
  if (why !== null) return { ...plain, reason: why };
  if (analysis.deps.length === 0) return { ...plain, reason: null };
  await context.store.run(PLAIN_PLANS);
  const plan = await explain(context.store, analysis.facts.query);
  if (linearBase(plan) !== null && isOneBase(analysis)) return { ...plain, reason: null };
  const aggregate = await tryAggregate(analysis, plan);
  if (typeof aggregate !== 'string') return { ...plain, reason: null, ...aggregate };
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

/** Every step down names one relation, until a table or a kept result. */
function isOneBase(analysis: Analysis): boolean {
  let deps = analysis.deps;
  while (deps.length === 1 && deps[0]?.method === 'view') {
    deps = deps[0].deps.flatMap((id) => analysis.relations.get(id) ?? []);
  }
  return deps.length === 1;
}

async function tryAggregate(
  analysis: Analysis,
  plan: PlanNode,
): Promise<{ method: 'aggregate'; aggregate: AggregatePlan } | string> {
  const read = readAggregate(plan);
  if (typeof read === 'string') return read;
  const base = analysis.relations
    .tables(analysis.deps.map((dep) => dep.id))
    .find(
      (table) => table.name === read.scan['Relation Name'] && table.schema === read.scan.Schema,
    );
  if (base === undefined || base.schema !== 'public') return 'it does not read a table';
  const aggregate: AggregatePlan = {
    ...read.shape,
    base: base.id,
    pinSettings: analysis.allFacts.some((facts) => facts.dependsOnSettings),
  };
  const table = `${quoteName(base.schema)}.${quoteName(base.name)}`;
  const again = await analysis.store.attempt(() =>
    explain(analysis.store, originalQuery(aggregate, table)),
  );
  if (again instanceof EngineError) return again.message;
  if (JSON.stringify(meaningOf(again)) !== JSON.stringify(meaningOf(plan))) {
    return 'its plan cannot be written as one grouping';
  }
  const made = await analysis.store.attempt(() => makeAggregate(analysis, aggregate, table));
  return made instanceof EngineError ? made.message : { method: 'aggregate', aggregate };
}

async function makeAggregate(
  analysis: Analysis,
  aggregate: AggregatePlan,
  table: string,
): Promise<void> {
  const { store, id } = analysis;
  const target = `viewcast_store.${storeName(id)}`;
  for (const column of aggregate.columns) {
    if (column.kind === 'sum' || column.kind === 'avg') {
      const from = `${table} AS ${quoteName(aggregate.alias)}`;
      await refuseFractions(store, column.argument, from, column.kind);
    }
  }
  await store.run(
    `CREATE TABLE ${target} WITH (fillfactor = 80) AS ${storeQuery(aggregate, table)}`,
  );
  const bad = (await ambiguousColumns(store, target)).filter((name) => name.startsWith('k'));
  if (bad.length > 0)
    throw new EngineError('0A000', 'it groups by a type whose equal values differ');
  if (aggregate.keys.length > 0) {
    const keys = aggregate.keys.map((_, index) => `k${index}`).join(', ');
    await store.run(`CREATE UNIQUE INDEX ON ${target} (${keys}) NULLS NOT DISTINCT`);
  }
  await replaceView(
    analysis,
    `SELECT ${resultColumns(aggregate, 's').join(', ')} FROM ${target} AS s WHERE ${resultCondition(aggregate, 's')}`,
  );
}

/** Sums are exact for integers, and print alike for numerics of a declared scale. */
async function refuseFractions(
  store: Store,
  argument: string,
  from: string,
  kind: 'sum' | 'avg',
): Promise<void> {
  const [field] = await store.describe(`SELECT ${argument} FROM ${from} LIMIT 0`);
  if (field === undefined) throw new EngineError('0A000', `${kind} of nothing`);
  if ([INT2, INT4, INT8].includes(field.typeOid)) return;
  if (kind === 'sum' && field.typeOid === NUMERIC && field.typeModifier >= 0) return;
  throw new EngineError('0A000', `${kind} of a type whose kept sums could print differently`);
}

const [INT8, INT2, INT4, NUMERIC] = [20, 21, 23, 1700];

async function tryIvm(analysis: Analysis, plan: PlanNode): Promise<string | null> {
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
    await makeIvm(analysis, reachable, `viewcast_store.${storeName(id)}`);
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

/** Puts a view over the kept rows where the plain one stood; it must have the same columns. */
async function replaceView(analysis: Analysis, query: string): Promise<void> {
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

async function columnTypes(store: Store, view: string): Promise<{ name: string; type: string }[]> {
  const rows = await store.query(
    `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
     WHERE attrelid = ${quoteText(`public.${quoteName(view)}`)}::regclass AND attnum > 0
     ORDER BY attnum`,
  );
  return rows.map(([name, type]) => ({ name: name ?? '', type: type ?? '' }));
}

/** Makes the indexes that let a re-evaluated `ORDER BY … LIMIT` read its first rows only. */
export async function indexTopK(store: Store, view: string): Promise<void> {
  const query = `SELECT * FROM ${view}`;
  await store.transaction(async () => {
    await store.run('SET LOCAL enable_seqscan = on');
    for (const { schema, table, order } of findTopK(await explain(store, query))) {
      if (schema !== 'public' && schema !== 'viewcast_store') continue;
      await store.attempt(async () => {
        await store.run(`CREATE INDEX ON ${quoteName(schema)}.${quoteName(table)} (${order})`);
        await store.run('SET LOCAL enable_sort = off');
        const helps = !sorts(await explain(store, query));
        await store.run('SET LOCAL enable_sort = on');
        if (!helps) throw new EngineError('0A000', 'the index does not replace the sort');
      });
    }
  });
}
