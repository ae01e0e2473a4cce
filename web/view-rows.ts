import { add, apply } from '../protocol/multiset.ts';
import type { Changes, Diff, RowText } from '../protocol/update.ts';
import type { Row, StreamMessage } from './stream-message.ts';

/**
 * The rows of a view as the page holds them: a multiset, moved by stream messages. A row that is
 * deleted and inserted in one message is one change, in any order.
 */
export class ViewRows {
  #rows: ReadonlyMap<RowText, number> = new Map();

  /**
   * Takes one message; a snapshot takes the place of all rows at once. When it throws, the rows are
   * as before, and only a new snapshot helps.
   *
   * @throws {MultiplicityError} when the message deletes a row that is not there.
   */
  take(message: StreamMessage): void {
    const rows = message.snapshot ? new Map() : new Map(this.#rows);
    apply(rows, changesOf(message));
    this.#rows = rows;
  }

  /** The rows, each as often as its multiplicity says, in no particular order. */
  list(): Row[] {
    const list: Row[] = [];
    for (const [text, multiplicity] of this.#rows) {
      const row = JSON.parse(text) as Row;
      for (let n = 0; n < multiplicity; n++) list.push(row);
    }
    return list;
  }
}

/** The consolidated changes of a message. */
export function changesOf(message: StreamMessage): Changes {
  const changes = new Map<RowText, Diff>();
  for (const row of message.deleted) add(changes, JSON.stringify(row), -1);
  for (const row of message.inserted) add(changes, JSON.stringify(row), 1);
  return changes;
}
