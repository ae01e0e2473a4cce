import type { Changes, Frontier, RowText } from '../../protocol/update.ts';
import { formatToken, type ResumeToken } from './resume-token.ts';

/**
 * How a message is framed for a viewer of a stream: a WebSocket text `message`, a `line` of
 * newline-delimited JSON, or a server-sent `event` whose id is the resume token.
 */
export type StreamFormat = 'message' | 'line' | 'event';

const repeated = (row: RowText, times: number): string =>
  times === 1 ? row : Array.from({ length: times }, () => row).join(',');

/** The rows of one direction, comma-separated, each as often as its multiplicity says. */
export function listRows(changes: Changes, direction: 1 | -1): string {
  const rows: string[] = [];
  for (const [row, diff] of changes) {
    if (diff * direction > 0) rows.push(repeated(row, Math.abs(diff)));
  }
  return rows.join(',');
}

const timestampText = (upper: Frontier): string => (upper === 'end' ? '"end"' : String(upper));

/**
 * A batch as wikirecent wrote it (PROTOCOL.md, "Streams"): rows as arrays in column order,
 * `timestamp` the frontier that is now reached. O(rows).
 */
export function encodeChanges(changes: Changes, upper: Frontier): string {
  const deleted = listRows(changes, -1);
  const inserted = listRows(changes, 1);
  return `{"deleted": [${deleted}], "inserted": [${inserted}], "timestamp": ${timestampText(upper)}}`;
}

/**
 * A whole view, given as {@link listRows} text. `replaces` marks it as taking the place of what
 * the viewer holds; a first message needs no mark.
 */
export function encodeSnapshot(rows: string, upper: Frontier, replaces: boolean): string {
  const mark = replaces ? ', "snapshot": true' : '';
  return `{"deleted": [], "inserted": [${rows}], "timestamp": ${timestampText(upper)}${mark}}`;
}

/** What an event stream says of the upstream; other framings have no place for it. */
export const STATUS = {
  live: Buffer.from('event: status\ndata: {"state": "live"}\n\n'),
  stale: Buffer.from('event: status\ndata: {"state": "stale"}\n\n'),
} as const;

/** Puts a message's text into a viewer's framing. */
export function frame(format: StreamFormat, text: string, position: ResumeToken): string {
  switch (format) {
    case 'message':
      return text;
    case 'line':
      return `${text}\n`;
    case 'event':
      return `id: ${formatToken(position)}\ndata: ${text}\n\n`;
  }
}
