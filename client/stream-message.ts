import type { Frontier } from '../protocol/update.ts';
import type { Row } from './rows.ts';

/**
 * One message of `/api/stream/<view>` (PROTOCOL.md, "Streams"): all changes of a view up to
 * `timestamp`. A row of multiplicity n stands n times. `snapshot` says that `inserted` is the whole
 * view, whatever the viewer held.
 */
export interface StreamMessage {
  readonly deleted: readonly Row[];
  readonly inserted: readonly Row[];
  readonly timestamp: Frontier;
  readonly snapshot: boolean;
}

/**
 * Parses the text of one stream message.
 *
 * @throws {TypeError} when the text is not such a message, naming what was expected.
 */
export function parseStreamMessage(text: string): StreamMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`a stream message is JSON, got ${excerpt(text)}`, { cause });
  }
  if (!isRecord(value)) throw new TypeError(`a stream message is an object, got ${excerpt(text)}`);
  const { deleted, inserted, timestamp, snapshot } = value;
  if (!isRows(deleted) || !isRows(inserted)) {
    throw new TypeError(`deleted and inserted are arrays of rows, got ${excerpt(text)}`);
  }
  if (!isFrontier(timestamp)) {
    throw new TypeError(`timestamp is milliseconds or "end", got ${excerpt(text)}`);
  }
  return { deleted, inserted, timestamp, snapshot: snapshot === true };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON.parse returned is Json all the way down, so the outer two levels are all to check. */
function isRows(value: unknown): value is Row[] {
  return Array.isArray(value) && value.every((row) => Array.isArray(row));
}

function isFrontier(value: unknown): value is Frontier {
  return value === 'end' || (typeof value === 'number' && Number.isSafeInteger(value));
}

function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
