import type { Row } from '../client/rows.ts';
import type { Column, Json } from '../protocol/update.ts';

/** A message of the archive. */
export interface Message {
  readonly id: number;
  readonly value: string;
  /** From being sent to being archived, in ms; null where one of the two is not known. */
  readonly delayMs: number | null;
  /** When it was archived, in ms since 1970; NaN where that is not known. */
  readonly archivedMs: number;
}

/** The messages in the rows of the view `archive_newest`, newest first. */
export function newestMessages(
  rows: readonly Row[],
  columns: readonly Pick<Column, 'name'>[],
): Message[] {
  const at = (row: Row, name: string) => row[columns.findIndex((column) => column.name === name)];
  return rows
    .map((row) => {
      const [sentMs, archivedMs] = [timeOf(at(row, 'timestamp')), timeOf(at(row, 'created_date'))];
      const delayMs = Number.isFinite(archivedMs - sentMs)
        ? Math.max(0, archivedMs - sentMs)
        : null;
      const value = at(row, 'value');
      const text = typeof value === 'string' ? value : '';
      return { id: Number(at(row, 'id')), value: text, delayMs, archivedMs };
    })
    .sort((a, b) => b.id - a.id);
}

/** Times without a zone are in UTC. */
function timeOf(value: Json | undefined): number {
  if (typeof value !== 'string') return Number.NaN;
  const text = value.replace(' ', 'T');
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}
