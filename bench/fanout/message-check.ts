import type { Json } from '../../protocol/update.ts';
import { batchAt, replacedRowOf, rowOf, rowsAfter } from './workload.ts';

/**
 * Takes what one viewer is sent, as text. Returns the last batch that the viewer holds then;
 * throws a sentence when the message is not what was due.
 */
export type MessageCheck = (text: string) => number;

interface Message {
  readonly deleted: readonly Json[];
  readonly inserted: readonly Json[];
  readonly timestamp: number;
  readonly snapshot?: boolean;
}

/**
 * Follows one viewer that is sent whole views and batches over any stretch: after each message it
 * must hold the view at that timestamp. When a live message follows a live message it must be the
 * next single batch, unless there may be `gaps`, which a consolidated message closes.
 */
export function checkMessages(heldBatch: number | null, gaps: boolean): MessageCheck {
  let held = heldBatch;
  let first = true;
  return (text) => {
    const message = parse(text);
    const n = numberOf(message);
    const live = !first && !gaps;
    if (held !== null && (live ? n !== held + 1 : n <= held)) {
      throw new Error(`after batch ${held} came batch ${n}`);
    }
    if (n - (held ?? Number.NEGATIVE_INFINITY) === 1) checkSingle(message, n);
    else checkFold(held, message, n);
    held = n;
    first = false;
    return n;
  };
}

/** For viewers that are sent live batches only, with no first message: each must be the next. */
export function checkSingles(): MessageCheck {
  let held: number | null = null;
  return (text) => {
    const message = parse(text);
    const n = numberOf(message);
    if (held !== null && n !== held + 1) throw new Error(`after batch ${held} came batch ${n}`);
    checkSingle(message, n);
    held = n;
    return n;
  };
}

/** The view after batch `held` (null: nothing) and the message must make the view after batch n. */
function checkFold(held: number | null, message: Message, n: number): void {
  const rows = new Set(held === null || message.snapshot === true ? [] : rowsAfter(held));
  for (const row of message.deleted) {
    if (!rows.delete(JSON.stringify(row))) throw new Error(`batch ${n} deletes a row not held`);
  }
  for (const row of message.inserted) rows.add(JSON.stringify(row));
  if (!equal(rows, rowsAfter(n))) throw new Error(`other rows than those after batch ${n}`);
}

function checkSingle({ deleted, inserted }: Message, n: number): void {
  const got = JSON.stringify([deleted, inserted]);
  const due = JSON.stringify([[replacedRowOf(n)], [rowOf(n)]]);
  if (got !== due) throw new Error(`batch ${n} is ${due}, but ${got} came`);
}

function numberOf(message: Message): number {
  const n = batchAt(message.timestamp);
  if (!Number.isInteger(n)) throw new Error(`no batch ends at ${message.timestamp}`);
  return n;
}

/** What came is the bench's own, or a candidate is wrong: then reading a member throws. */
function parse(text: string): Message {
  return JSON.parse(text) as Message;
}

function equal(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((row) => b.has(row));
}
