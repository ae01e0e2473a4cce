import type { RowChange } from '../protocol/message.ts';
import type { Json, RowText } from '../protocol/update.ts';

/** A row as values in column order. */
export type Row = readonly Json[];

interface Entry {
  readonly row: Row;
  readonly multiplicity: number;
}

/** The rows of one view: a multiset. */
export class Rows {
  readonly #entries = new Map<RowText, Entry>();

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
   * a multiplicity below 0, or is no change. O(|changes|).
   */
  weigh(changes: readonly RowChange[]): (() => void) | null {
    const next = new Map<RowText, Entry>();
    for (const [diff, row] of changes) {
      const text = JSON.stringify(row);
      const held = next.get(text) ?? this.#entries.get(text);
      next.set(text, { row: held?.row ?? row, multiplicity: (held?.multiplicity ?? 0) + diff });
    }
    for (const { multiplicity } of next.values()) {
      if (!Number.isSafeInteger(multiplicity) || multiplicity < 0) return null;
    }
    return () => {
      for (const [text, entry] of next) {
        if (entry.multiplicity === 0) this.#entries.delete(text);
        else this.#entries.set(text, entry);
      }
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
}
