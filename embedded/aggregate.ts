import { bare, closing } from './condition.ts';
import type { PlanNode } from './plan.ts';
import type { AggregateWindow } from './window.ts';

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
