import { EngineError } from './engine.ts';
import {
  distinctKeys,
  type FirstPlan,
  firstColumns,
  firstStore,
  originalFirst,
  readFirst,
} from './first.ts';
import { meaningOf, type PlanNode } from './plan.ts';
import { sqlName, storeTable } from './relation.ts';
import { type Analysis, baseTable, columnTypes, explain, replaceView } from './view-analysis.ts';
import { ambiguousColumns } from './view-facts.ts';

/**
 * Keeps a view as the first rows of one table's groups where it is that, which is proved by writing
 * the query anew from its parts: PostgreSQL must plan both alike. Otherwise says why not.
 */
export async function tryFirst(
  analysis: Analysis,
  plan: PlanNode,
): Promise<{ method: 'aggregate'; aggregate: FirstPlan } | string> {
  const { store } = analysis;
  const keys = distinctKeys(analysis.facts.query);
  if (keys === 0) return 'no DISTINCT ON';
  const columns = await columnTypes(store, analysis.name);
  const read = readFirst(plan, keys, columns.length);
  if (typeof read === 'string') return read;
  const base = baseTable(analysis, read.scan);
  if (base === null) return 'it does not read a table';
  if (analysis.retained.has(base.id)) return `${base.name} lets go of old rows`;
  const first: FirstPlan = {
    ...read.shape,
    base: base.id,
    pinSettings: analysis.allFacts.some((facts) => facts.dependsOnSettings),
  };
  const table = sqlName(base);
  const again = await store.attempt(() => explain(store, originalFirst(first, table)));
  if (again instanceof EngineError) return again.message;
  if (JSON.stringify(meaningOf(again)) !== JSON.stringify(meaningOf(plan))) {
    return 'its plan cannot be written as the first rows of groups';
  }
  const made = await store.attempt(() => makeFirst(analysis, first, table));
  return made instanceof EngineError ? made.message : { method: 'aggregate', aggregate: first };
}

async function makeFirst(analysis: Analysis, plan: FirstPlan, table: string): Promise<void> {
  const { store, id } = analysis;
  const target = storeTable(id);
  await store.run(`CREATE TABLE ${target} AS ${firstStore(plan, table)}`);
  const unclear = await ambiguousColumns(store, target);
  if (unclear.some((name) => name.startsWith('k'))) {
    throw new EngineError('0A000', 'it groups by a type whose equal values differ');
  }
  const keys = plan.keys.map((_, at) => `k${at}`).join(', ');
  await store.run(`CREATE UNIQUE INDEX ON ${target} (${keys}) NULLS NOT DISTINCT`);
  const columns = firstColumns(plan, 's').join(', ');
  await replaceView(analysis, `SELECT ${columns} FROM ${target} AS s`);
}
