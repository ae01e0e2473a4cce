import { quoteName } from './lexer.ts';
import type { PlanNode } from './plan.ts';
import { NEW_ROWS, OLD_ROWS, type Operation } from './transition.ts';

/**
 * The first row of each group of one table (`SELECT DISTINCT ON (k) … ORDER BY k, o`), kept in a
 * table of its own. A new row costs a look at its group's; a changed or deleted one makes its
 * groups be looked for anew.
 */
export interface FirstPlan {
  /** Id of the base table. */
  readonly base: string;
  readonly alias: string;
  readonly filter: string | null;
  /** The texts are SQL over the base table's alias. */
  readonly keys: readonly string[];
  readonly order: readonly OrderItem[];
  readonly columns: readonly string[];
  /** Some function in it depends on session settings: the trigger pins them. */
  readonly pinSettings: boolean;
}

export interface OrderItem {
  readonly sql: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** What is read from a plan; the rest is known of the view. */
export type FirstShape = Omit<FirstPlan, 'base' | 'pinSettings'>;

/**
 * What `EXPLAIN` shows of such a query of so many keys and columns, or a sentence saying why it is
 * none.
 */
export function readFirst(
  plan: PlanNode,
  keyCount: number,
  columnCount: number,
): { readonly shape: FirstShape; readonly scan: PlanNode } | string {
  const sort = plan.Plans?.[0];
  const scan = sort?.Plans?.[0];
  if (plan['Node Type'] !== 'Unique' || sort?.['Node Type'] !== 'Sort') return 'no DISTINCT ON';
  if (scan?.['Node Type'] !== 'Seq Scan' || scan.Alias === undefined) return 'not of one table';
  if ((scan.Plans ?? []).length > 0) return 'subqueries';
  const items = (sort['Sort Key'] ?? []).map(readItem);
  const keys = items.slice(0, keyCount);
  const order = items.slice(keyCount);
  if (keys.length < keyCount || order.length === 0) return 'no order says which row is the first';
  const columns = (plan.Output ?? []).slice(0, columnCount);
  const shape = {
    alias: scan.Alias,
    filter: scan.Filter ?? null,
    keys: keys.map(({ sql }) => sql),
    order,
    columns,
  };
  return { shape, scan };
}

function readItem(text: string): OrderItem {
  const [, sql = text, direction, nulls] =
    /^(.*?)( DESC)?(?: NULLS (FIRST|LAST))?$/s.exec(text) ?? [];
  const descending = direction !== undefined;
  return { sql, descending, nullsFirst: nulls === undefined ? descending : nulls === 'FIRST' };
}

/** How many expressions a view's query, as PostgreSQL prints it, is DISTINCT ON; 0 for none. */
export function distinctKeys(query: string): number {
  const list = /^\s*SELECT DISTINCT ON (\(.*)$/s.exec(query)?.[1] ?? '';
  let depth = 0;
  let quote = '';
  let keys = 1;
  for (const char of list) {
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = char;
    else if (char === '(') depth += 1;
    else if (char === ')' && --depth === 0) return keys;
    else if (char === ',' && depth === 1) keys += 1;
  }
  return 0;
}

/** The query that the plan was read from, written anew: it must have the same plan. */
export function originalFirst(plan: FirstPlan, table: string): string {
  return `SELECT ${distinctOn(plan)} ${plan.columns.join(', ')} ${fromClause(plan, table)} ${orderBy(plan)}`;
}

/** The query whose result fills the store: keys, order, columns. `n` marks that a row is there. */
export function firstStore(plan: FirstPlan, table: string, condition = 'true'): string {
  const items = [
    ...plan.keys.map((sql, at) => `${sql} AS k${at}`),
    ...plan.order.map(({ sql }, at) => `${sql} AS o${at}`),
    ...plan.columns.map((sql, at) => `${sql} AS c${at}`),
    '1 AS n',
  ];
  return `SELECT ${distinctOn(plan)} ${items.join(', ')} ${fromClause(plan, table)} AND ${condition} ${orderBy(plan)}`;
}

const distinctOn = ({ keys }: FirstPlan): string => `DISTINCT ON (${keys.join(', ')})`;

const fromClause = ({ alias, filter }: FirstPlan, table: string): string =>
  `FROM ${table} AS ${quoteName(alias)} WHERE ${filter ?? 'true'}`;

function orderBy({ keys, order }: FirstPlan): string {
  const items = order.map(
    ({ sql, descending, nullsFirst }) =>
      `${sql}${descending ? ' DESC' : ''} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`,
  );
  return `ORDER BY ${[...keys, ...items].join(', ')}`;
}

/** The names of a store's columns of one kind, with an alias. */
const named = (kind: 'k' | 'o' | 'c', items: readonly unknown[], alias = ''): readonly string[] =>
  items.map((_, at) => `${alias}${kind}${at}`);

/** The view's columns, over a row of the store. */
export const firstColumns = ({ columns }: FirstPlan, alias: string): readonly string[] =>
  named('c', columns, `${alias}.`);

/**
 * The statements that a trigger on the base table runs: they keep the store, and with `delta` given
 * record what that does to the view's rows. `table` is the base.
 */
export function maintainFirst(
  plan: FirstPlan,
  operation: Operation,
  table: string,
  store: string,
  delta: string | null,
): string {
  if (operation === 'INSERT') return `${insertFirst(plan, store, delta)};`;
  return `${refill(plan, operation, table, store, delta).join(';\n')};`;
}

function insertFirst(plan: FirstPlan, store: string, delta: string | null): string {
  const changing = [...named('o', plan.order), ...named('c', plan.columns)];
  const insert = `INSERT INTO ${store} AS s (${storeColumns(plan)})
    ${firstStore(plan, NEW_ROWS)}
    ON CONFLICT (${named('k', plan.keys).join(', ')}) DO UPDATE
    SET ${changing.map((name) => `${name} = excluded.${name}`).join(', ')}
    WHERE ${isBefore(plan, 'excluded', 's')}`;
  if (delta === null) return insert;
  const was = plan.columns.map((_, at) => `o_.c${at} AS w${at}`);
  const is = plan.columns.map((_, at) => `n_.c${at} AS i${at}`);
  const row = (kind: string) => plan.columns.map((_, at) => `, c.${kind}${at}`).join('');
  const columns = named('c', plan.columns)
    .map((name) => `, ${name}`)
    .join('');
  return `WITH changed AS (${insert}
    RETURNING WITH (OLD AS o_, NEW AS n_) ${['o_.n AS n', ...was, ...is].join(', ')})
    INSERT INTO ${delta} SELECT d.* FROM changed AS c,
    LATERAL (VALUES (-c.n${row('w')}), (1${row('i')})) AS d(diff${columns}) WHERE d.diff IS NOT NULL`;
}

/** Groups that lost or changed a row are emptied, and filled from the base. */
function refill(
  plan: FirstPlan,
  operation: Operation,
  table: string,
  store: string,
  delta: string | null,
): readonly string[] {
  const sources = operation === 'DELETE' ? [OLD_ROWS] : [OLD_ROWS, NEW_ROWS];
  const keys = plan.keys.map((sql, at) => `${sql} AS k${at}`).join(', ');
  const touched = sources.map((rows) => `SELECT ${keys} ${fromClause(plan, rows)}`).join(' UNION ');
  // Its name must not hide the base table's, which the keys are written with.
  const matches = (names: readonly string[]) =>
    `EXISTS (SELECT FROM (${touched}) AS viewcast_touched WHERE ${names
      .map((name, at) => `viewcast_touched.k${at} IS NOT DISTINCT FROM ${name}`)
      .join(' AND ')})`;
  const empty = `DELETE FROM ${store} AS s WHERE ${matches(named('k', plan.keys, 's.'))}`;
  const fill = `INSERT INTO ${store} (${storeColumns(plan)})
    ${firstStore(plan, table, matches(plan.keys))}`;
  if (delta === null) return [empty, fill];
  const columns = named('c', plan.columns);
  const record = (change: string, diff: number) =>
    `WITH changed AS (${change} RETURNING ${['n', ...columns].join(', ')})
     INSERT INTO ${delta} SELECT ${[`${diff} * n`, ...columns].join(', ')} FROM changed`;
  return [record(empty, -1), record(fill, 1)];
}

const storeColumns = ({ keys, order, columns }: FirstPlan): string =>
  [...named('k', keys), ...named('o', order), ...named('c', columns), 'n'].join(', ');

/** Whether row `a` comes before row `b` of the same group. */
function isBefore({ order }: FirstPlan, a: string, b: string): string {
  return order.reduceRight((rest, { descending, nullsFirst }, at) => {
    const [left, right] = [`${a}.o${at}`, `${b}.o${at}`];
    const nullFirst = nullsFirst
      ? `${left} IS NULL AND ${right} IS NOT NULL`
      : `${left} IS NOT NULL AND ${right} IS NULL`;
    const less = `(${left} ${descending ? '>' : '<'} ${right}) IS TRUE OR ${nullFirst}`;
    return `(${less} OR ${left} IS NOT DISTINCT FROM ${right} AND ${rest})`;
  }, 'false');
}
