import type { AggregatePlan } from './aggregate.ts';
import { quoteName } from './lexer.ts';
import { NEW_ROWS, OLD_ROWS, type Operation } from './transition.ts';
import { keptRows } from './window.ts';

/**
 * The SQL of a grouping that is kept: its query, the store with its keys `k0` …, its number of rows
 * `n` and its accumulators, the view over the store, and how the store follows a statement.
 */

/**
 * The query that the plan was read from, written anew: it must have the same plan.
 *
 * @param filter the whole condition of its scan
 */
export function originalQuery(
  plan: Omit<AggregatePlan, 'window'>,
  table: string,
  filter: string | null,
): string {
  const outputs = plan.columns.map((column) => {
    if (column.kind === 'key') return plan.keys[column.key];
    return column.kind === 'avg' ? column.sql.replace(/^sum/, 'avg') : column.sql;
  });
  return `SELECT ${outputs.join(', ')} ${fromClause({ ...plan, filter, window: null }, table)}`;
}

/** The query whose result fills the store: keys, number of rows, accumulators. */
export function storeQuery(plan: AggregatePlan, table: string): string {
  const items = [
    ...plan.keys.map((key, index) => `${key} AS k${index}`),
    ...accumulators(plan).map(({ name, sql }) => `${sql} AS ${name}`),
  ];
  return `SELECT ${items.join(', ')} ${fromClause(plan, table)}`;
}

function fromClause(plan: AggregatePlan, table: string): string {
  const kept = plan.window ? keptRows(plan.window) : null;
  const conditions = [plan.filter, kept].filter((one) => one !== null);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const group = plan.keys.length === 0 ? '' : ` GROUP BY ${plan.keys.join(', ')}`;
  return `FROM ${table} AS ${quoteName(plan.alias)}${where}${group}`;
}

interface Accumulator {
  readonly name: string;
  readonly sql: string;
}

/** `n` counts a group's rows: a group with none is not shown. A sum is NULL while nothing adds. */
function accumulators(plan: AggregatePlan): readonly Accumulator[] {
  const list: Accumulator[] = [{ name: 'n', sql: 'count(*)' }];
  plan.columns.forEach((column, index) => {
    if (column.kind === 'count' && column.sql !== 'count(*)') {
      list.push({ name: `a${index}`, sql: column.sql });
    }
    if (column.kind === 'sum' || column.kind === 'avg') {
      list.push({ name: `a${index}`, sql: `coalesce(${column.sql}, 0)` });
      list.push({ name: `m${index}`, sql: column.countSql });
    }
  });
  return list;
}

/** The view's columns as expressions over a row of the store that goes by `alias`. */
export function resultColumns(plan: AggregatePlan, alias: string): readonly string[] {
  return plan.columns.map((column, index) => {
    if (column.kind === 'key') return `${alias}.k${column.key}`;
    if (column.kind === 'count') {
      return column.sql === 'count(*)' ? `${alias}.n` : `${alias}.a${index}`;
    }
    const value = `${alias}.a${index}${column.kind === 'avg' ? `::numeric / ${alias}.m${index}` : ''}`;
    return `CASE WHEN ${alias}.m${index} > 0 THEN ${value} END`;
  });
}

/** Which rows of the store the view shows. Without keys there is always exactly one. */
export function resultCondition(plan: AggregatePlan, alias: string): string {
  return plan.keys.length === 0 ? 'true' : `${alias}.n > 0`;
}

/**
 * The statement that a trigger on the base table runs: adds the grouped change to the store, and
 * with `delta` given records what that does to the view's rows.
 *
 * @param oldRows where the rows are that go, when they are not those of a statement
 */
export function maintainSql(
  plan: AggregatePlan,
  operation: Operation,
  store: string,
  delta: string | null,
  oldRows: string = OLD_ROWS,
): string {
  const change = changeQuery(plan, operation, oldRows);
  const names = accumulators(plan).map(({ name }) => name);
  const sums = names.map((name) => `${name} = s.${name} + c.${name}`).join(', ');
  const update =
    plan.keys.length === 0
      ? `UPDATE ${store} AS s SET ${sums} FROM (${change}) AS c WHERE ${changed(names, 'c')}`
      : insertOrAdd(plan, store, change, names);
  if (delta === null) return `${update};`;
  const columns = plan.columns.map((_, index) => `c${index}`).join(', ');
  return `WITH changed AS (${update} ${returning(plan)})
    INSERT INTO ${delta} SELECT d.* FROM changed AS c,
    LATERAL (VALUES ${deltaRows(plan)}) AS d(diff, ${columns}) WHERE d.diff IS NOT NULL;`;
}

function insertOrAdd(
  plan: AggregatePlan,
  store: string,
  change: string,
  names: readonly string[],
): string {
  const keys = plan.keys.map((_, index) => `k${index}`).join(', ');
  const sums = names.map((name) => `${name} = s.${name} + excluded.${name}`).join(', ');
  return `INSERT INTO ${store} AS s (${keys}, ${names.join(', ')})
    SELECT ${keys}, ${names.join(', ')} FROM (${change}) AS c WHERE ${changed(names, 'c')}
    ON CONFLICT (${keys}) DO UPDATE SET ${sums}`;
}

function changed(names: readonly string[], alias: string): string {
  return names.map((name) => `${alias}.${name} <> 0`).join(' OR ');
}

function returning(plan: AggregatePlan): string {
  const was = resultColumns(plan, 'o_').map((sql, index) => `${sql} AS o${index}`);
  const is = resultColumns(plan, 'n_').map((sql, index) => `${sql} AS n${index}`);
  const shown =
    plan.keys.length === 0
      ? 'true AS was, true AS "is"'
      : 'coalesce(o_.n > 0, false) AS was, n_.n > 0 AS "is"';
  return `RETURNING WITH (OLD AS o_, NEW AS n_) ${[shown, ...was, ...is].join(', ')}`;
}

function deltaRows(plan: AggregatePlan): string {
  const was = plan.columns.map((_, index) => `c.o${index}`).join(', ');
  const is = plan.columns.map((_, index) => `c.n${index}`).join(', ');
  return `(CASE WHEN c.was THEN -1 END, ${was}), (CASE WHEN c."is" THEN 1 END, ${is})`;
}

/** What a statement adds to each group. */
function changeQuery(plan: AggregatePlan, operation: Operation, oldRows: string): string {
  if (operation === 'INSERT') return storeQuery(plan, NEW_ROWS);
  const names = accumulators(plan).map(({ name }) => name);
  const keys = plan.keys.map((_, index) => `k${index}`);
  const minus = `SELECT ${[...keys, ...names.map((name) => `-${name} AS ${name}`)].join(', ')} FROM (${storeQuery(plan, oldRows)}) AS o`;
  if (operation === 'DELETE') return minus;
  const sums = names.map((name) => `sum(${name}) AS ${name}`);
  const group = keys.length === 0 ? '' : ` GROUP BY ${keys.join(', ')}`;
  return `SELECT ${[...keys, ...sums].join(', ')} FROM (${storeQuery(plan, NEW_ROWS)} UNION ALL ${minus}) AS u${group}`;
}
