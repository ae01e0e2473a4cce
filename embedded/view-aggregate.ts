import { createHash } from 'node:crypto';
import { type AggregatePlan, readAggregate } from './aggregate.ts';
import { originalQuery, resultColumns, resultCondition, storeQuery } from './aggregate-sql.ts';
import { EngineError } from './engine.ts';
import { quoteName, quoteText } from './lexer.ts';
import { meaningOf, type PlanNode } from './plan.ts';
import { type Relation, sqlName, storeTable } from './relation.ts';
import type { Store } from './store.ts';
import { type Analysis, baseTable, explain, replaceView } from './view-analysis.ts';
import { ambiguousColumns } from './view-facts.ts';
import { type AggregateWindow, readWindow } from './window.ts';

/**
 * Keeps a view as counts and sums of one table where it is that, which is proved by writing the
 * query anew from its parts: PostgreSQL must plan both alike. Otherwise says why not.
 */
export async function tryAggregate(
  analysis: Analysis,
  plan: PlanNode,
  isWindow: boolean,
): Promise<{ method: 'aggregate'; aggregate: AggregatePlan } | string> {
  const read = readAggregate(plan);
  if (typeof read === 'string') return read;
  const base = baseTable(analysis, read.scan);
  if (base === null) return 'it does not read a table';
  const table = sqlName(base);
  const window = isWindow ? await findWindow(analysis, read.shape, base, table) : null;
  if (typeof window === 'string') return window;
  const aggregate: AggregatePlan = {
    ...read.shape,
    ...window,
    base: base.id,
    pinSettings: analysis.allFacts.some((facts) => facts.dependsOnSettings),
  };
  const again = await analysis.store.attempt(() =>
    explain(analysis.store, originalQuery(aggregate, table, read.shape.filter)),
  );
  if (again instanceof EngineError) return again.message;
  if (JSON.stringify(meaningOf(again)) !== JSON.stringify(meaningOf(plan))) {
    return 'its plan cannot be written as one grouping';
  }
  const made = await analysis.store.attempt(() => makeAggregate(analysis, aggregate, table));
  return made instanceof EngineError ? made.message : { method: 'aggregate', aggregate };
}

/** The window of a grouping that speaks of the present nowhere else, or why it has none. */
async function findWindow(
  { store, id }: Analysis,
  shape: Pick<AggregatePlan, 'alias' | 'filter' | 'keys' | 'columns'>,
  base: Relation,
  table: string,
): Promise<{ filter: string | null; window: AggregateWindow } | string> {
  const now = await printedNow(store);
  const found = readWindow(shape.filter ?? '', now, shape.alias);
  if (found === null) return 'it has no condition mz_now() <= column + milliseconds';
  if (JSON.stringify([shape.keys, shape.columns]).includes('viewcast.now')) {
    return 'its groups change with time';
  }
  const { column, spanMs, rest } = found;
  const [kept] = await store.query(
    `SELECT keep_ms FROM viewcast.viewcast_retention WHERE relation = ${quoteText(base.id)}`,
  );
  if (kept !== undefined && Number(kept[0]) < spanMs)
    return 'its table lets go of rows before that';
  const [type] = await store.describe(
    `SELECT ${column} FROM ${table} AS ${quoteName(shape.alias)} LIMIT 0`,
  );
  if (type?.typeOid !== INT8) return 'its column is no bigint';
  return { filter: rest, window: { column, spanMs, relation: id } };
}

/** How PostgreSQL prints `mz_now()` in a plan. */
async function printedNow(store: Store): Promise<string> {
  const plan = await explain(
    store,
    "SELECT FROM (VALUES ('1'::numeric), (2)) AS v (n) WHERE mz_catalog.mz_now() <= n",
  );
  const filter = (node: PlanNode): string => node.Filter ?? (node.Plans ?? []).map(filter).join('');
  return /^\((.*) <= /s.exec(filter(plan))?.[1] ?? 'mz_now()';
}

async function makeAggregate(
  analysis: Analysis,
  aggregate: AggregatePlan,
  table: string,
): Promise<void> {
  const { store, id } = analysis;
  const target = storeTable(id);
  for (const column of aggregate.columns) {
    if (column.kind === 'sum' || column.kind === 'avg') {
      const from = `${table} AS ${quoteName(aggregate.alias)}`;
      await refuseFractions(store, column.argument, from, column.kind);
    }
  }
  if (aggregate.window !== null && aggregate.window !== undefined) {
    await openWindow(analysis, aggregate.base, aggregate.window, table);
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

/** From now on its rows are let go; the index finds them. */
async function openWindow(
  { store, now }: Analysis,
  base: string,
  { column, relation }: AggregateWindow,
  table: string,
): Promise<void> {
  await store.run(
    `INSERT INTO viewcast.viewcast_window (relation, until)
     VALUES (${quoteText(relation)}, ${now})`,
  );
  const name = createHash('sha256').update(column).digest('hex').slice(0, 12);
  await store.run(
    `CREATE INDEX IF NOT EXISTS ${quoteName(`viewcast_${base}_${name}`)} ON ${table} ((${column}))`,
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
