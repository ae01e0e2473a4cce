import type { BatchMessage, RowChange } from '../protocol/message.ts';

/** What a message made of the parts: a whole batch, or why there is none yet. */
export type Assembled = BatchMessage | 'pending' | 'repeated' | 'gap';

/** Puts batches together that come in parts (PROTOCOL.md, "Parts"). */
export class Parts {
  #open: { readonly first: BatchMessage; readonly all: BatchMessage[] } | undefined;

  /** Forgets an unfinished batch. */
  clear(): void {
    this.#open = undefined;
  }

  /** A batch of one message is whole at once. */
  take(message: BatchMessage): Assembled {
    const { part, parts } = message;
    if (part === undefined || parts === undefined) {
      this.clear();
      return message;
    }
    const open = this.#continues(message) ? this.#open : undefined;
    if (open !== undefined && part < open.all.length) return 'repeated';
    if (part !== (open?.all.length ?? 0) || part >= parts) {
      this.clear();
      return 'gap';
    }
    const all = open?.all ?? [];
    all.push(message);
    this.#open = { first: message, all };
    if (all.length < parts) return 'pending';
    this.clear();
    return join(all);
  }

  #continues(message: BatchMessage): boolean {
    const first = this.#open?.first;
    return (
      first !== undefined &&
      first.lower === message.lower &&
      first.upper === message.upper &&
      first.parts === message.parts
    );
  }
}

function join(all: readonly BatchMessage[]): BatchMessage {
  const changes = new Map<string, RowChange[]>();
  for (const part of all) {
    for (const [view, rows] of Object.entries(part.changes)) {
      const joined = changes.get(view);
      if (joined === undefined) changes.set(view, [...rows]);
      else for (const row of rows) joined.push(row);
    }
  }
  const [first] = all;
  if (first === undefined) throw new RangeError('a batch has one part at least, got none');
  const { type, channel, lower, upper, held } = first;
  const whole = { type, channel, lower, upper, changes: Object.fromEntries(changes) };
  return held === undefined ? whole : { ...whole, held };
}
