import type { BatchMessage, RowChange } from '../protocol/message.ts';

/**
 * What became of a message: the whole batch, or `pending` while parts are missing, `ignored` when
 * the part is there already, `gap` when one before it was lost.
 */
export type Assembled = BatchMessage | 'pending' | 'ignored' | 'gap';

/** Puts batches together that come in parts (PROTOCOL.md, "Parts"). */
export class Parts {
  /** The parts of an unfinished batch, from part 0 on. */
  #open: BatchMessage[] = [];

  /** Forgets an unfinished batch. */
  clear(): void {
    this.#open = [];
  }

  /** A batch of one message is whole at once. */
  take(message: BatchMessage): Assembled {
    const { part, parts } = message;
    if (part === undefined || parts === undefined) {
      this.clear();
      return message;
    }
    if (!this.#continues(message)) this.clear();
    const open = this.#open;
    if (part < open.length) return 'ignored';
    if (part > open.length || part >= parts) {
      this.clear();
      return 'gap';
    }
    open.push(message);
    if (open.length < parts) return 'pending';
    this.clear();
    return join(message, open);
  }

  #continues({ lower, upper, parts }: BatchMessage): boolean {
    const [first] = this.#open;
    return first?.lower === lower && first.upper === upper && first.parts === parts;
  }
}

function join({ part, parts, ...last }: BatchMessage, all: readonly BatchMessage[]): BatchMessage {
  const changes = new Map<string, RowChange[]>();
  for (const some of all) {
    for (const [view, rows] of Object.entries(some.changes)) {
      const joined = changes.get(view);
      if (joined === undefined) changes.set(view, [...rows]);
      else for (const row of rows) joined.push(row);
    }
  }
  return { ...last, changes: Object.fromEntries(changes) };
}
