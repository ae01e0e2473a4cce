import { bare, conjuncts } from './condition.ts';
import { quoteName, quoteText } from './lexer.ts';

/** `mz_now() <= column + spanMs`: a row counts for a while, and then no longer. */
export interface AggregateWindow {
  /** Of the base table, in ms since 1970, with its alias. */
  readonly column: string;
  readonly spanMs: number;
  /** Id of the view: `viewcast_window` says up to when its rows were let go. */
  readonly relation: string;
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

/** The condition of the rows that were not let go: none counts that comes too late. */
export function keptRows(window: AggregateWindow): string {
  const until = `(SELECT until FROM viewcast.viewcast_window WHERE relation = ${quoteText(window.relation)})`;
  return `${window.column} >= ${until} - ${window.spanMs}`;
}

/** The condition of those among them that count no longer at `time`, in ms. */
export function overdueRows(window: AggregateWindow, time: number): string {
  return `${keptRows(window)} AND ${window.column} < ${time - window.spanMs}`;
}

/** The statement that notes that rows were let go up to `time`, in ms. */
export function noteLetGo({ relation }: AggregateWindow, time: number): string {
  return `UPDATE viewcast.viewcast_window SET until = ${time} WHERE relation = ${quoteText(relation)}`;
}
