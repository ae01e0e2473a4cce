import type { Json } from '../../protocol/update.ts';
import { batchAt, replacedRowOf, rowOf, rowsAfter, VIEW } from './workload.ts';

/**
 * Takes what one viewer is sent, as text. Returns the last batch that the viewer holds then;
 * throws a sentence when the message is not what was due.
 */
export type MessageCheck = (text: string) => number;

interface SessionMessage {
  readonly type: string;
  readonly lower: number | null;
  readonly upper: number;
  readonly changes: Readonly<Record<string, readonly (readonly [diff: number, row: Json])[]>>;
}

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

/** For viewers of `ws /api/v1`: every batch starts at the frontier held, or from nothing. */
export function checkSession(heldBatch: number | null): MessageCheck {
  let held = heldBatch;
  return (text) => {
    const { type, lower, upper, changes } = parseSession(text);
    if (type === 'progress') held = batchAt(upper);
    if (type !== 'batch') return held ?? 0;
    const rows = changes[VIEW] ?? [];
    const inserted = rows.flatMap(([diff, row]) => (diff > 0 ? [row] : []));
    const deleted = rows.flatMap(([diff, row]) => (diff < 0 ? [row] : []));
    const n = numberOf({ deleted, inserted, timestamp: upper });
    if (lower !== null && held !== null && batchAt(lower) !== held) {
      throw new Error(`a viewer that holds batch ${held} was sent one from ${batchAt(lower)}`);
    }
    const from = lower === null ? null : batchAt(lower);
    checkFold(from, { deleted, inserted, timestamp: upper }, n);
    held = n;
    return n;
  };
}

/** For viewers of one user's rows: each batch starts where the one before ended, and is theirs. */
export function checkFilter(user: string): MessageCheck {
  let held: number | null = null;
  return (text) => {
    const { type, lower, upper, changes } = parseSession(text);
    if (type === 'progress') held = upper;
    if (type !== 'batch') return 0;
    if (lower !== null && lower !== held)
      throw new Error(`after ${held} came a batch from ${lower}`);
    const rows = changes[VIEW] ?? [];
    const own = rows.every(([, row]) =>
      JSON.stringify(row).startsWith(`[${JSON.stringify(user)},`),
    );
    if (!own || rows.length !== (lower === null ? 1 : 2)) {
      throw new Error(`${user} was sent ${JSON.stringify(rows)}`);
    }
    held = upper;
    return batchAt(upper);
  };
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

function parseSession(text: string): SessionMessage {
  return JSON.parse(text) as SessionMessage;
}
