import type { RowChange, ViewRequest } from '../protocol/message.ts';
import { addAll, difference } from '../protocol/multiset.ts';
import { rowText, rowValues } from '../protocol/row.ts';
import type { Changes, Column, RowText, Timestamp } from '../protocol/update.ts';

type Multiset = ReadonlyMap<RowText, number>;

/** All that a fake server remembers of one view in one epoch: its rows at each timestamp. */
export class FakeView {
  readonly columns: readonly Column[];
  readonly #states = new Map<Timestamp, Multiset>();
  #now: Timestamp;
  #since: Timestamp;
  #rows: Multiset = new Map();

  constructor(columns: readonly Column[], time: Timestamp) {
    this.columns = columns;
    this.#now = time;
    this.#since = time;
    this.#states.set(time, this.#rows);
  }

  /** The view moves to `time`; changes below zero are left out. */
  move(time: Timestamp, changes: Changes): void {
    const rows = new Map(this.#rows);
    const possible = [...changes].filter(([row, diff]) => (rows.get(row) ?? 0) + diff >= 0);
    addAll(rows, new Map(possible));
    this.#rows = rows;
    this.#now = time;
    this.#states.set(time, rows);
  }

  /** The rows at a timestamp, under a filter; undefined when it never stood there. */
  at(time: Timestamp, where: ViewRequest['where']): Multiset | undefined {
    const rows = this.#states.get(time);
    if (rows === undefined || where === undefined) return rows;
    const wanted = Object.entries(where).map(
      ([name, value]) => [this.columns.findIndex((column) => column.name === name), value] as const,
    );
    const fits = (text: RowText) => {
      const row = rowValues(text);
      return wanted.every(([place, value]) => row[place] === value);
    };
    return new Map([...rows].filter(([text]) => fits(text)));
  }

  /** From here on, what was held before can no longer be continued. */
  forget(): void {
    this.#since = this.#now;
  }

  /** Whether a viewer that holds a timestamp can be told what changed since. */
  remembers(time: Timestamp): boolean {
    return time >= this.#since && this.#states.has(time);
  }
}

/** The changes from one state to another as they travel. */
export function rowChanges(from: Multiset, to: Multiset): RowChange[] {
  return [...difference(from, to)].map(([text, diff]) => [diff, rowValues(text)]);
}

/** The identity of a row made of values, for expectations. */
export const identity = rowText;
