import { frame, int16, int32, text } from './backend.ts';
import type { Parameters } from './frontend.ts';

/**
 * Encoders of what the session says to the engine's backend (PostgreSQL protocol 3). Statement and
 * portal are always the unnamed ones: nothing of a session stays in the shared backend.
 */

/** A simple query of one statement. */
export function query(sql: string): Buffer {
  return frame('Q', text(sql));
}

export function parse(sql: string, parameterTypes: readonly number[]): Buffer {
  return frame(
    'P',
    text(''),
    text(sql),
    int16(parameterTypes.length),
    ...parameterTypes.map(int32),
  );
}

export function bind(parameters: Parameters, resultFormats: readonly number[]): Buffer {
  return frame(
    'B',
    text(''),
    text(''),
    parameters.raw,
    int16(resultFormats.length),
    ...resultFormats.map(int16),
  );
}

/** `what` is S for the statement, P for the portal. */
export function describe(what: 'S' | 'P'): Buffer {
  return frame('D', Buffer.from(what), text(''));
}

/** All rows: the backend is shared and cannot keep a portal open. */
export const EXECUTE_ALL = frame('E', text(''), int32(0));
/** Forgets the unnamed statement; asked for its answer only. */
export const CLOSE = frame('C', Buffer.from('S'), text(''));
export const SYNC = frame('S');
export const COPY_END = frame('c');

export function copyData(body: Uint8Array): Buffer {
  return frame('d', body);
}

/** The parameters of a Bind that has none. */
export const NO_PARAMETERS: Parameters = {
  raw: Buffer.from([0, 0, 0, 0]),
  formats: [],
  values: [],
};
