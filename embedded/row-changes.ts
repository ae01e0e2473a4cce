import type { RowKey } from './row-key.ts';

/** Changed rows and the signed change of each; no row stands with 0. A multiset of rows is one too. */
export type RowChanges = ReadonlyMap<RowKey, number>;

/** Adds `diff` to a row's entry; one that comes to 0 is dropped. O(1). */
export function addRow(rows: Map<RowKey, number>, key: RowKey, diff: number): void {
  const sum = (rows.get(key) ?? 0) + diff;
  if (sum === 0) rows.delete(key);
  else rows.set(key, sum);
}

/** Adds `factor` times the changes. O(changes). */
export function addInto(rows: Map<RowKey, number>, changes: RowChanges, factor: 1 | -1): void {
  for (const [key, diff] of changes) addRow(rows, key, factor * diff);
}
