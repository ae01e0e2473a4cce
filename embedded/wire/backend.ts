import type { EngineError, Field } from '../engine.ts';

/**
 * Encoders of what a server says (PostgreSQL protocol 3, "Message Formats"). Each returns one whole
 * frame.
 */

/** A frame: type letter, length, body. */
export function frame(letter: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.byteLength, 4);
  const buffer = Buffer.allocUnsafe(size + 1);
  buffer.writeUInt8(letter.charCodeAt(0), 0);
  buffer.writeInt32BE(size, 1);
  let at = 5;
  for (const part of parts) {
    buffer.set(part, at);
    at += part.byteLength;
  }
  return buffer;
}

export function int16(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(2);
  buffer.writeUInt16BE(value & 0xffff);
  return buffer;
}

export function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value | 0);
  return buffer;
}

/** A zero-terminated text. A zero byte inside it would end it early and is left out. */
export function text(value: string): Buffer {
  return Buffer.from(`${value.replaceAll('\0', '')}\0`, 'utf8');
}

export const AUTHENTICATION_OK = frame('R', int32(0));
export const PARSE_COMPLETE = frame('1');
export const BIND_COMPLETE = frame('2');
export const CLOSE_COMPLETE = frame('3');
export const NO_DATA = frame('n');
export const PORTAL_SUSPENDED = frame('s');
export const EMPTY_QUERY = frame('I');
export const COPY_DONE = frame('c');

export function parameterStatus(name: string, value: string): Buffer {
  return frame('S', text(name), text(value));
}

/** `processId` and `secret` are int32; a CancelRequest repeats them. */
export function backendKeyData(processId: number, secret: number): Buffer {
  return frame('K', int32(processId), int32(secret));
}

/** Tells a client of a newer minor version that 3.0 is spoken, and which options are unknown. */
export function negotiateVersion(unknownOptions: readonly string[]): Buffer {
  return frame('v', int32(0), int32(unknownOptions.length), ...unknownOptions.map(text));
}

/** `I` idle, `T` in a transaction, `E` in a failed one. */
export function readyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return frame('Z', Buffer.from(status));
}

export function commandComplete(tag: string): Buffer {
  return frame('C', text(tag));
}

/** `formats` as a Bind gave them: none, one for all, or one for each column. */
export function rowDescription(fields: readonly Field[], formats: readonly number[] = []): Buffer {
  const columns = fields.map((field, index) =>
    Buffer.concat([
      text(field.name),
      int32(0),
      int16(0),
      int32(field.typeOid),
      int16(field.typeSize),
      int32(field.typeModifier),
      int16(formatOf(formats, index)),
    ]),
  );
  return frame('T', int16(fields.length), ...columns);
}

export function parameterDescription(types: readonly number[]): Buffer {
  return frame('t', int16(types.length), ...types.map(int32));
}

/** `letter` G starts a COPY from the client, H one to the client; all columns are text. */
export function copyResponse(letter: 'G' | 'H', format: 0 | 1, columns: number): Buffer {
  const formats = Array.from({ length: columns }, () => int16(format));
  return frame(letter, Buffer.from([format]), int16(columns), ...formats);
}

/** What an ErrorResponse or a NoticeResponse carries. */
export type Problem = Pick<EngineError, 'code' | 'message' | 'detail' | 'hint'>;

export function errorResponse(problem: Problem, severity: 'ERROR' | 'FATAL' = 'ERROR'): Buffer {
  return frame('E', problemFields(severity, problem));
}

export function noticeResponse(problem: Problem): Buffer {
  return frame('N', problemFields('NOTICE', problem));
}

/** The format of a column under a Bind's list of formats. */
export function formatOf(formats: readonly number[], index: number): number {
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
}

function problemFields(severity: string, problem: Problem): Buffer {
  const fields: [string, string | undefined][] = [
    ['S', severity],
    ['V', severity],
    ['C', problem.code],
    ['M', problem.message],
    ['D', problem.detail],
    ['H', problem.hint],
  ];
  const parts = fields.flatMap(([letter, value]) =>
    value === undefined ? [] : [Buffer.from(letter), text(value)],
  );
  return Buffer.concat([...parts, Buffer.from([0])]);
}
