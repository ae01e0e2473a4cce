import { EngineError, type Field, type SubscriptionRow } from '../engine.ts';
import type { WireRow } from '../wire/rows.ts';

/** How a subscription's rows are written: which columns, and what becomes of each row. */
export interface Shape {
  readonly fields: readonly Field[];
  /** The rows to send for these, in order; some may be held back until their time is over. */
  feed(rows: readonly SubscriptionRow[]): readonly WireRow[];
  /** The rows held back, once nothing follows. */
  end(): readonly WireRow[];
}

/** numeric with scale 0, as Materialize describes it. */
const TIMESTAMP: Field = field('mz_timestamp', 1700, -1, 2555908);
const PROGRESSED: Field = field('mz_progressed', 16, 1, -1);
const DIFF: Field = field('mz_diff', 20, 8, -1);
const STATE: Field = field('mz_state', 25, -1, -1);

const TRUE = Buffer.from('t');
const FALSE = Buffer.from('f');

/** `mz_timestamp, [mz_progressed,] mz_diff` and the view's columns. */
export function diffShape(columns: readonly Field[], progress: boolean): Shape {
  const fields = [TIMESTAMP, ...(progress ? [PROGRESSED] : []), DIFF, ...columns];
  const nulls = columns.map(() => null);
  const time = timeText();
  const feed = (rows: readonly SubscriptionRow[]): readonly WireRow[] => {
    const out: WireRow[] = [];
    for (const row of rows) {
      if (row.kind === 'data') {
        const diff = Buffer.from(String(row.diff));
        out.push(
          progress
            ? [time(row.time), FALSE, diff, ...row.values]
            : [time(row.time), diff, ...row.values],
        );
      } else if (progress) out.push([time(row.time), TRUE, null, ...nulls]);
    }
    return out;
  };
  return { fields, feed, end: () => [] };
}

interface Group {
  readonly key: WireRow;
  /** Multiplicities added up, and the last row with a positive one. */
  inserted: number;
  deleted: number;
  value: WireRow;
}

/**
 * ENVELOPE UPSERT: `mz_timestamp, [mz_progressed,] mz_state`, the key columns, the others. Each time
 * and key gives one row: `upsert`, `delete`, or `key_violation` when the key is none.
 *
 * @throws {EngineError} 42703 for a key column that the view does not have.
 */
export function upsertShape(
  columns: readonly Field[],
  key: readonly string[],
  progress: boolean,
): Shape {
  const keyAt = key.map((name) => {
    const index = columns.findIndex((column) => column.name === name);
    if (index !== -1) return index;
    const known = columns.map((column) => column.name).join(', ');
    throw new EngineError('42703', `no column "${name}" for the KEY; there are: ${known}`);
  });
  const otherAt = columns.map((_, index) => index).filter((index) => !keyAt.includes(index));
  const ordered = [...keyAt, ...otherAt].flatMap((index) => columns[index] ?? []);
  const head = (time: bigint, progressed: Buffer, state: string | null): WireRow => [
    Buffer.from(String(time)),
    ...(progress ? [progressed] : []),
    state === null ? null : Buffer.from(state),
  ];
  let time = -1n;
  let groups = new Map<string, Group>();
  const close = (): WireRow[] => {
    const rows = [...groups.values()].flatMap((group): WireRow[] => {
      if (group.inserted === 0 && group.deleted === 0) return [];
      const state = stateOf(group);
      const values = state === 'upsert' ? group.value : otherAt.map(() => null);
      return [[...head(time, FALSE, state), ...group.key, ...values]];
    });
    groups = new Map();
    return rows;
  };
  const feed = (rows: readonly SubscriptionRow[]): readonly WireRow[] => {
    const out: WireRow[] = [];
    for (const row of rows) {
      if (row.time !== time || row.kind === 'progress') out.push(...close());
      time = row.time;
      if (row.kind === 'data') collect(groups, row, keyAt, otherAt);
      else if (progress) out.push([...head(time, TRUE, null), ...columns.map(() => null)]);
    }
    return out;
  };
  const prefix = [TIMESTAMP, ...(progress ? [PROGRESSED] : []), STATE];
  return { fields: [...prefix, ...ordered], feed, end: close };
}

function stateOf(group: Group): 'upsert' | 'delete' | 'key_violation' {
  if (group.inserted === 1 && group.deleted <= 1) return 'upsert';
  return group.inserted === 0 && group.deleted === 1 ? 'delete' : 'key_violation';
}

function collect(
  groups: Map<string, Group>,
  row: Extract<SubscriptionRow, { kind: 'data' }>,
  keyAt: readonly number[],
  otherAt: readonly number[],
): void {
  const key = keyAt.map((index) => row.values[index] ?? null);
  const text = JSON.stringify(key.map((value) => value && Buffer.from(value).toString('latin1')));
  const group = groups.get(text) ?? { key, inserted: 0, deleted: 0, value: [] };
  groups.set(text, group);
  if (row.diff < 0) group.deleted -= row.diff;
  else {
    group.inserted += row.diff;
    group.value = otherAt.map((index) => row.values[index] ?? null);
  }
}

/** Rows of one time share its text. */
function timeText(): (time: bigint) => Buffer {
  let last = -1n;
  let text = Buffer.alloc(0);
  return (time) => {
    if (time !== last) {
      last = time;
      text = Buffer.from(String(time));
    }
    return text;
  };
}

function field(name: string, typeOid: number, typeSize: number, typeModifier: number): Field {
  return { name, typeOid, typeSize, typeModifier };
}
