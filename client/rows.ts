import { RowsHash } from '../protocol/hash.ts';
import type { RowChange } from '../protocol/message.ts';
import type { Diff, Json, RowText } from '../protocol/update.ts';

/** A row as values in column order. */
export type Row = readonly Json[];

interface Entry {
  readonly row: Row;
  readonly multiplicity: number;
}

/** Up to so many rows are hashed anew at each proof of quiet: about 5 ms. */
const MAX_REHASHED_ROWS = 10_000;

/** The rows of one view: a multiset, with the hash of all changes it has taken. */
export class Rows {
  readonly #entries = new Map<RowText, Entry>();
  readonly #hash = new RowsHash();

  /** Different rows. */
  get size(): number {
    return this.#entries.size;
  }

  /** Every row, as often as its multiplicity says, in no order. */
  *[Symbol.iterator](): IterableIterator<Row> {
    for (const { row, multiplicity } of this.#entries.values()) {
      for (let n = 0; n < multiplicity; n++) yield row;
    }
  }

  /** Every different row with its identity and multiplicity. */
  *entries(): IterableIterator<readonly [text: RowText, row: Row, multiplicity: number]> {
    for (const [text, { row, multiplicity }] of this.#entries) yield [text, row, multiplicity];
  }

  /**
   * Weighs changes, all or nothing: the returned function applies them. Null when one of them takes
   * a multiplicity below 0. O(|changes|).
   */
  weigh(changes: readonly RowChange[]): (() => void) | null {
    const next = new Map<RowText, Entry>();
    const diffs: (readonly [RowText, Diff])[] = [];
    for (const [diff, row] of changes) {
      const text = JSON.stringify(row);
      const held = next.get(text) ?? this.#entries.get(text);
      next.set(text, { row: held?.row ?? row, multiplicity: (held?.multiplicity ?? 0) + diff });
      diffs.push([text, diff]);
    }
    for (const { multiplicity } of next.values()) if (multiplicity < 0) return null;
    return () => {
      for (const [text, entry] of next) {
        if (entry.multiplicity === 0) this.#entries.delete(text);
        else this.#entries.set(text, entry);
      }
      for (const [text, diff] of diffs) this.#hash.add(text, diff);
    };
  }

  /** What turns the rows of `from` into these. */
  since(from: Rows): RowChange[] {
    const changes: RowChange[] = [];
    for (const [text, { row, multiplicity }] of from.#entries) {
      const diff = (this.#entries.get(text)?.multiplicity ?? 0) - multiplicity;
      if (diff !== 0) changes.push([diff, row]);
    }
    for (const [text, { row, multiplicity }] of this.#entries) {
      if (!from.#entries.has(text)) changes.push([multiplicity, row]);
    }
    return changes;
  }

  /**
   * Whether these are the rows of that hash. Small views are hashed as they stand, so that a value
   * damaged since is found; large ones by what they have taken.
   */
  matches(hash: string): boolean {
    if (this.#hash.toString() !== hash) return false;
    if (this.#entries.size > MAX_REHASHED_ROWS) return true;
    const anew = new RowsHash();
    for (const { row, multiplicity } of this.#entries.values()) {
      anew.add(JSON.stringify(row), multiplicity);
    }
    return anew.toString() === hash;
  }
}
