import { type Relation, sqlName } from './relation.ts';
import { addRow } from './row-changes.ts';
import { keyOfRow, type RowKey } from './row-key.ts';
import type { Store } from './store.ts';
import { DATA_ROW } from './store-frames.ts';

/** All rows of a relation at this moment; `time`, in ms, is what its query takes for now. */
export async function rowsOf(
  store: Store,
  relation: Relation,
  time: number,
): Promise<Map<RowKey, number>> {
  if (relation.temporal) await store.run(`SELECT set_config('viewcast.now', '${time}', false)`);
  const rows = new Map<RowKey, number>();
  await addRows(store, rows, `SELECT * FROM ${sqlName(relation)}`, 1);
  return rows;
}

/** Adds each row of a query's result, `diff` times. */
export async function addRows(
  store: Store,
  rows: Map<RowKey, number>,
  sql: string,
  diff: 1 | -1,
): Promise<void> {
  await store.run(sql, (frame) => {
    if (frame.type === DATA_ROW) addRow(rows, keyOfRow(frame.body), diff);
  });
}
