import { conjuncts } from './condition.ts';

/**
 * Reads `EXPLAIN (VERBOSE, FORMAT JSON)`. PostgreSQL's own plan tells what a query does once names
 * are resolved and views are opened up: that is what the engine trusts, not the query's text.
 */

/** A node of a plan, as far as it is read here. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly Strategy?: string;
  readonly 'Partial Mode'?: string;
  readonly Output?: readonly string[];
  readonly 'Group Key'?: readonly string[];
  readonly 'Grouping Sets'?: unknown;
  readonly 'Sort Key'?: readonly string[];
  readonly 'Join Type'?: string;
  readonly Filter?: string;
  readonly 'One-Time Filter'?: string;
  readonly 'Relation Name'?: string;
  readonly Schema?: string;
  readonly Alias?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Put before EXPLAIN where a plan is read for its meaning: scans show their whole filter. */
export const PLAIN_PLANS = [
  'indexscan',
  'indexonlyscan',
  'bitmapscan',
  'tidscan',
  'sort',
  'incremental_sort',
  'memoize',
]
  .map((feature) => `SET LOCAL enable_${feature} = off`)
  .join('; ');

/** @throws {Error} when the text is no plan. */
export function parsePlan(text: string): PlanNode {
  const parsed: readonly { readonly Plan?: PlanNode }[] = JSON.parse(text);
  const plan = parsed[0]?.Plan;
  if (plan === undefined) throw new Error(`a plan is [{"Plan": …}], got ${text.slice(0, 80)}`);
  return plan;
}

/** The part of a plan that says what is computed, without what it costs: equal for equal queries. */
export function meaningOf(node: PlanNode): unknown {
  return [
    node['Node Type'],
    node.Strategy,
    node.Output,
    node['Group Key'],
    node['Sort Key'],
    node.Filter,
    node.Schema,
    node['Relation Name'],
    node.Alias,
    (node.Plans ?? []).map(meaningOf),
  ];
}

/** Nodes that hand each row on, or leave it out, by looking at that row alone. */
const LINEAR = new Set(['Seq Scan', 'Subquery Scan', 'Sort', 'Result', 'CTE Scan']);

/** The one relation a plan filters and projects, or null when it does more than that. */
export function linearBase(plan: PlanNode): { schema: string; name: string } | null {
  let node = plan;
  for (;;) {
    if (!LINEAR.has(node['Node Type']) || node['One-Time Filter'] !== undefined) return null;
    const [child, ...others] = node.Plans ?? [];
    if (others.length > 0) return null;
    if (child === undefined) break;
    if (node['Relation Name'] !== undefined) return null;
    node = child;
  }
  const { Schema: schema, 'Relation Name': name } = node;
  return schema === undefined || name === undefined ? null : { schema, name };
}

/** A sort below a limit directly over a table: an index in that order makes the limit cheap. */
export interface TopK {
  readonly schema: string;
  readonly table: string;
  /** What goes between the parentheses of CREATE INDEX. */
  readonly order: string;
}

/** All of a plan's sorts that an index could replace. */
export function findTopK(plan: PlanNode): readonly TopK[] {
  const found: TopK[] = [];
  const visit = (node: PlanNode): void => {
    const [child] = node.Plans ?? [];
    if (node['Node Type'] === 'Limit' && child?.['Node Type'] === 'Sort') {
      const topK = sortOverTable(child);
      if (topK !== null) found.push(topK);
    }
    for (const below of node.Plans ?? []) visit(below);
  };
  visit(plan);
  return found;
}

/** A computed key stands in parentheses, as CREATE INDEX wants it. */
const COMPUTED_KEY = /^(\(.*\))((?: DESC)?(?: NULLS (?:FIRST|LAST))?)$/s;
const SORT_KEY =
  /^(?:(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")\.)?([a-z_][a-z0-9_$]*|"(?:[^"]|"")+")((?: COLLATE "[^"]+")?(?: DESC)?(?: NULLS (?:FIRST|LAST))?)$/;

function sortOverTable(sort: PlanNode): TopK | null {
  let node = sort.Plans?.[0];
  while (node?.['Node Type'] === 'Subquery Scan' || node?.['Node Type'] === 'Result') {
    node = node.Plans?.[0];
  }
  if (node?.['Node Type'] !== 'Seq Scan') return null;
  const { Schema: schema, 'Relation Name': table, Alias: alias } = node;
  const keys = (sort['Sort Key'] ?? []).map((key) => SORT_KEY.exec(key) ?? COMPUTED_KEY.exec(key));
  if (schema === undefined || table === undefined || keys.length === 0) return null;
  const columns = groupColumns(node.Filter ?? '', alias ?? '');
  for (const key of keys) {
    if (key === null) return null;
    columns.push(`${key[1]}${key[2]}`);
  }
  return { schema, table, order: columns.join(', ') };
}

/**
 * The columns that a filter sets equal to something from outside, as that of a LATERAL subquery
 * does: the first rows below its limit are those of one group.
 */
function groupColumns(filter: string, alias: string): string[] {
  const name = /^(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")$/;
  return conjuncts(filter).flatMap((condition) => {
    const [left = '', right = '', ...others] = condition.split(' = ');
    const column = left.startsWith(`${alias}.`) ? left.slice(alias.length + 1) : '';
    const isOutside = others.length === 0 && !right.includes(`${alias}.`);
    return isOutside && name.test(column) ? [column] : [];
  });
}

/** How many sorts there are in a plan. */
export function countSorts(plan: PlanNode): number {
  const below = (plan.Plans ?? []).reduce((sum, child) => sum + countSorts(child), 0);
  return below + (plan['Node Type'].endsWith('Sort') ? 1 : 0);
}

const JOIN_PARTS = new Set([
  'Seq Scan',
  'Subquery Scan',
  'Hash',
  'Hash Join',
  'Merge Join',
  'Nested Loop',
  'Materialize',
  'Sort',
  'Result',
]);

/**
 * Whether a plan is nothing but inner joins of different tables, with one grouping over them at
 * most. Fuzzing found pg_ivm 1.16 to lose rows of self-joins and of EXISTS when one UPDATE touches
 * several equal rows; these forms it never got wrong.
 */
export function isPlainJoin(plan: PlanNode): boolean {
  const seen = new Set<string>();
  const visit = (node: PlanNode): boolean => {
    if (!JOIN_PARTS.has(node['Node Type']) || (node['Join Type'] ?? 'Inner') !== 'Inner')
      return false;
    if (node['Relation Name'] !== undefined) {
      const name = JSON.stringify([node.Schema, node['Relation Name']]);
      if (seen.has(name) || (node.Plans ?? []).length > 0) return false;
      seen.add(name);
    }
    return (node.Plans ?? []).every(visit);
  };
  const isGrouped = plan['Node Type'] === 'Aggregate' || plan['Node Type'] === 'Unique';
  return isGrouped ? (plan.Plans ?? []).every(visit) : visit(plan);
}
