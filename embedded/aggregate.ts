import { bare, closing, conjuncts } from './condition.ts';
import { quoteName, quoteText } from './lexer.ts';
import type { PlanNode } from './plan.ts';

/**
 * Counts and sums of one table, grouped: kept in a table of their own by one
 * `INSERT … ON CONFLICT DO UPDATE` per statement on the base table. That is several times cheaper
 * than the general machinery of pg_ivm (1,000 rows into four views: 22 ms against 111), and it
 * serves the views that live counters and rankings are made of.
 */

/** A result column: a key of the grouping, or an aggregate. */
export type AggregateColumn =
  | { readonly kind: 'key'; readonly key: number }
  | { readonly kind: 'count'; readonly sql: string }
  | {
      readonly kind: 'sum' | 'avg';
      readonly sql: string;
      readonly countSql: string;
      readonly argument: string;
    };

/** A grouped query taken apart; the texts are SQL over the base table's alias. */
export interface AggregatePlan {
  /** Id of the base table. */
  readonly base: string;
  readonly alias: string;
  /** Without the condition that the window stands for. */
  readonly filter: string | null;
  /** Which rows count at this moment; null or absent: all. */
  readonly window?: AggregateWindow | null;
  readonly keys: readonly string[];
  readonly columns: readonly AggregateColumn[];
  /** Some function in it depends on session settings: the trigger pins them. */
  readonly pinSettings: boolean;
}

/** `mz_now() <= column + spanMs`: a row counts for a while, and then no longer. */
export interface AggregateWindow {
  /** Of the base table, in ms since 1970, with its alias. */
  readonly column: string;
  readonly spanMs: number;
  /** Id of the view: `viewcast_window` says up to when its rows were let go. */
  readonly relation: string;
}

/** What `EXPLAIN` shows of such a query, or a sentence saying why it is none. */
export function readAggregate(plan: PlanNode):
  | {
      readonly shape: Omit<AggregatePlan, 'base' | 'pinSettings' | 'window'>;
      readonly scan: PlanNode;
    }
  | string {
  if (plan['Node Type'] !== 'Aggregate') return 'it is not one grouping of one table';
  if (plan['Grouping Sets'] !== undefined || plan.Strategy === 'Mixed') return 'grouping sets';
  if (plan['Partial Mode'] !== undefined && plan['Partial Mode'] !== 'Simple') return 'partial';
  if (plan.Filter !== undefined) return 'HAVING';
  const [scan, ...others] = plan.Plans ?? [];
  if (scan === undefined || others.length > 0 || scan['Node Type'] !== 'Seq Scan') {
    return 'it does not group one table directly';
  }
  if ((scan.Plans ?? []).length > 0 || scan.Alias === undefined) return 'subqueries';
  const keys = (plan['Group Key'] ?? []).map(bare);
  const columns: AggregateColumn[] = [];
  for (const output of (plan.Output ?? []).map(bare)) {
    const column = readColumn(output, keys);
    if (column === null) return `${output} is neither a key nor a plain count, sum or avg`;
    columns.push(column);
  }
  return { shape: { alias: scan.Alias, filter: scan.Filter ?? null, keys, columns }, scan };
}

function readColumn(output: string, keys: readonly string[]): AggregateColumn | null {
  const key = keys.indexOf(output);
  if (key !== -1) return { kind: 'key', key };
  const [, name, rest = ''] = /^(count|sum|avg)(\(.*)$/s.exec(output) ?? [];
  const end = closing(rest);
  if (end === -1 || /^\(DISTINCT /.test(rest) || / ORDER BY /.test(rest)) return null;
  const after = rest.slice(end + 1);
  if (after !== '' && !(after.startsWith(' FILTER (') && closing(after, 8) === after.length - 1)) {
    return null;
  }
  if (name === 'count') return { kind: 'count', sql: output };
  if (name !== 'sum' && name !== 'avg') return null;
  return {
    kind: name,
    sql: `sum${rest}`,
    countSql: `count${rest}`,
    argument: rest.slice(1, end),
  };
}

/**
 * The window among the conditions of a scan, and the others; null when there is none of the form
 * `mz_now() <= column + milliseconds` (or what is computed from columns), or more than one speaks of the present.
 *
 * @param now how PostgreSQL prints `mz_now()`
 */
export function readWindow(
  filter: string,
  now: string,
  alias: string,
): (Pick<AggregateWindow, 'column' | 'spanMs'> & { readonly rest: string | null }) | null {
  const parts = conjuncts(filter);
  const [temporal, ...others] = parts.filter((part) => part.includes(now));
  if (temporal === undefined || others.length > 0 || !temporal.startsWith(`${now} <= `))
    return null;
  const bound = /^(.*)::numeric$/s.exec(temporal.slice(`${now} <= `.length).trim())?.[1] ?? '';
  const sum = /^(.+?)(?: \+ '?(\d{1,15})'?(?:::bigint)?)?$/s.exec(bare(bound));
  const column = sum?.[1] ?? '';
  // A column, or what is computed from some: an index takes nothing that changes by itself.
  if (!column.includes(`${quoteName(alias)}.`) && !column.includes(`${alias}.`)) return null;
  const rest = parts.filter((part) => part !== temporal).map((part) => `(${part})`);
  const isPlain = /^(?:[\w$]+|"(?:[^"]|"")+")\.(?:[\w$]+|"(?:[^"]|"")+")$/.test(column);
  return {
    column: isPlain ? column : `(${column})`,
    spanMs: Number(sum?.[2] ?? 0),
    rest: rest.length === 0 ? null : rest.join(' AND '),
  };
}

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
  const conditions = [plan.filter, windowCondition(plan)].filter((one) => one !== null);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const group = plan.keys.length === 0 ? '' : ` GROUP BY ${plan.keys.join(', ')}`;
  return `FROM ${table} AS ${quoteName(plan.alias)}${where}${group}`;
}

/** Rows that were let go must not be let go again, and none counts that comes too late. */
function windowCondition({ window }: AggregatePlan): string | null {
  if (window === null || window === undefined) return null;
  return `${window.column} >= ${letGo(window)} - ${window.spanMs}`;
}

const letGo = ({ relation }: AggregateWindow): string =>
  `(SELECT until FROM viewcast.viewcast_window WHERE relation = ${quoteText(relation)})`;

/**
 * The statements that let go of what no longer counts at `until`, in ms, and note that: to be run
 * in one transaction.
 *
 * @param table the base table
 */
export function letGoSql(
  plan: AggregatePlan & { readonly window: AggregateWindow },
  table: string,
  store: string,
  delta: string | null,
  until: number,
): readonly string[] {
  const { column, spanMs, relation } = plan.window;
  const gone =
    `(SELECT * FROM ${table} AS ${quoteName(plan.alias)}` +
    ` WHERE ${column} >= ${letGo(plan.window)} - ${spanMs} AND ${column} < ${until - spanMs})`;
  return [
    maintainSql(plan, 'DELETE', store, delta, gone),
    `UPDATE viewcast.viewcast_window SET until = ${until} WHERE relation = ${quoteText(relation)}`,
  ];
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

export type Operation = 'INSERT' | 'UPDATE' | 'DELETE';

/** Transition tables of the trigger functions. */
export const NEW_ROWS = 'viewcast_new';
export const OLD_ROWS = 'viewcast_old';

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
