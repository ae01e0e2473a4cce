import type { Row } from '../client/rows.ts';
import type { Column, Frontier, Json } from '../protocol/update.ts';

/** The rows of a view at one moment, as a file. */
export interface Snapshot {
  readonly view: string;
  readonly timestamp: Frontier;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/**
 * A snapshot as CSV (RFC 4180) with a line of column names. NULL is an empty field, an empty text
 * is `""`. A text that a spreadsheet would take for a formula has an apostrophe before it.
 */
export function toCsv({ columns, rows }: Snapshot): string {
  const lines = [columns.map(({ name }) => name), ...rows];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

/** A snapshot as `GET /api/views/<view>` answers it, without the epoch. */
export function toJson(snapshot: Snapshot): string {
  return `${JSON.stringify(snapshot, null, 1)}\n`;
}

function field(value: Json): string {
  if (value === null) return '';
  if (typeof value === 'string') return quote(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
  return typeof value === 'object' ? quote(JSON.stringify(value)) : String(value);
}

function quote(text: string): string {
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
