import type { Batch, Changes, Diff, RowText } from './update.ts';

/** A multiplicity fell below zero: a bug, or an upstream that contradicts itself. */
export class MultiplicityError extends Error {
  override readonly name = 'MultiplicityError';
  readonly row: RowText;
  readonly multiplicity: number;

  constructor(row: RowText, multiplicity: number) {
    super(`a multiplicity is 0 or more, but row ${row} reached ${multiplicity}`);
    this.row = row;
    this.multiplicity = multiplicity;
  }
}

/** Adds `diff` to a row's entry and drops the entry when it becomes 0. O(1). */
export function add(changes: Map<RowText, Diff>, row: RowText, diff: Diff): void {
  const sum = (changes.get(row) ?? 0) + diff;
  if (sum === 0) changes.delete(row);
  else changes.set(row, sum);
}

/** Adds every change of `from` into `into`. O(|from|). */
export function addAll(into: Map<RowText, Diff>, from: Changes): void {
  for (const [row, diff] of from) add(into, row, diff);
}

/** What turns the multiset `from` into the multiset `to`: `to − from`. O(|from| + |to|). */
export function difference(from: Changes, to: Changes): Map<RowText, Diff> {
  const changes = new Map(to);
  for (const [row, multiplicity] of from) add(changes, row, -multiplicity);
  return changes;
}

/**
 * Applies changes to a multiset, all or nothing: when one of them would take a multiplicity below
 * zero the multiset stays as it was.
 *
 * @throws {MultiplicityError} naming the first such row.
 */
export function apply(multiset: Map<RowText, number>, changes: Changes): void {
  for (const [row, diff] of changes) {
    const sum = (multiset.get(row) ?? 0) + diff;
    if (sum < 0) throw new MultiplicityError(row, sum);
  }
  addAll(multiset, changes);
}

/**
 * Merges adjacent batches, oldest first, into the one batch from the first `lower` to the last
 * `upper`. The merged batch is consolidated: a row that came and went is not in it.
 *
 * @throws {RangeError} when two neighbours do not meet, or when there is no batch.
 */
export function mergeBatches(batches: readonly Batch[]): Batch {
  const [first, ...rest] = batches;
  if (first === undefined) throw new RangeError('merging needs at least one batch, got none');
  const changes = new Map(first.changes);
  let upper = first.upper;
  for (const batch of rest) {
    if (batch.lower !== upper) {
      throw new RangeError(
        `batches must meet: one ends at ${upper}, the next starts at ${batch.lower}`,
      );
    }
    addAll(changes, batch.changes);
    upper = batch.upper;
  }
  return { lower: first.lower, upper, changes };
}
