import {
  type AggregatePlan,
  originalQuery,
  readAggregate,
  resultColumns,
  resultCondition,
  storeQuery,
} from './aggregate.ts';
import { EngineError } from './engine.ts';
import { quoteName } from './lexer.ts';
import { meaningOf, type PlanNode } from './plan.ts';
import { storeName } from './relation.ts';
import type { Store } from './store.ts';
import { type Analysis, explain, replaceView } from './view-analysis.ts';
import { ambiguousColumns } from './view-facts.ts';

/**
 * Keeps a view as counts and sums of one table where it is that, which is proved by writing the
 * query anew from its parts: PostgreSQL must plan both alike. Otherwise says why not.
 */
export async function tryAggregate(
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
