import type { Json, RowText, Timestamp } from '../../protocol/update.ts';

/**
 * What every candidate publishes: a view of {@link ROWS} rows, of which batch n (1, 2, …) replaces
 * row n mod ROWS. Its message takes about 200 bytes. All of it is a function of n, so that a viewer
 * can check contents and order without being told.
 */

/** Rows of the view at all times. */
export const ROWS = 10;

/** The view's name. */
export const VIEW = 'edits';

/** Batches are 10 ms of logical time apart: the history of 5 minutes then holds 30,000. */
const STEP_MS = 10;
const START: Timestamp = 1_700_000_000_000;

/** The columns of the view. */
export const COLUMNS = [
  { name: 'title', type: 'text' },
  { name: 'edits', type: 'bigint' },
];

/** When batch n happens: every update of it has this time, and the frontier after it is one above. */
export function timeOf(n: number): Timestamp {
  return START + n * STEP_MS;
}

/** The batch whose frontier this is; not an integer when there is none. */
export function batchAt(frontier: Timestamp): number {
  return (frontier - 1 - START) / STEP_MS;
}

/** The row that batch n inserts; before the first batch the view holds those of n = 1 − ROWS … 0. */
export function rowOf(n: number): readonly Json[] {
  const slot = ((n % ROWS) + ROWS) % ROWS;
  return [`User talk:Somebody with a name/Drafts/The page edited just now ${slot}`, 1_000_000 + n];
}

/** The row that batch n deletes. */
export function replacedRowOf(n: number): readonly Json[] {
  return rowOf(n - ROWS);
}

/** The message of batch n, stringified anew, as the streams of PROTOCOL.md carry it. */
export function messageText(n: number): string {
  const deleted = JSON.stringify([replacedRowOf(n)]);
  const inserted = JSON.stringify([rowOf(n)]);
  return `{"deleted": ${deleted}, "inserted": ${inserted}, "timestamp": ${timeOf(n) + 1}}`;
}

/** The same message before it is stringified, for peers that do so themselves. */
export function messageOf(n: number) {
  return { deleted: [replacedRowOf(n)], inserted: [rowOf(n)], timestamp: timeOf(n) + 1 };
}

/** The one batch message of `ws /api/v1` that merges batches first … last, stringified anew. */
export function mergedText(first: number, last: number): string {
  const changes: (readonly [diff: 1 | -1, row: readonly Json[]])[] = [];
  for (let n = first; n < first + ROWS && n <= last; n++) {
    changes.push([-1, replacedRowOf(n)], [1, rowOf(n + ROWS * Math.floor((last - n) / ROWS))]);
  }
  const [lower, upper] = [timeOf(first - 1) + 1, timeOf(last) + 1];
  return JSON.stringify({ type: 'batch', channel: 1, lower, upper, changes: { [VIEW]: changes } });
}

/** The view after batch n, as row texts. */
export function rowsAfter(n: number): ReadonlySet<RowText> {
  return new Set(Array.from({ length: ROWS }, (_, back) => JSON.stringify(rowOf(n - back))));
}
