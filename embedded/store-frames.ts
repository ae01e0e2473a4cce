import { EngineError, type Field } from './engine.ts';
import { keyOfRow, valuesOf } from './row-key.ts';

/** What the backend's answers are made of (PostgreSQL protocol 3, "Message Formats"). */

export const DATA_ROW = 0x44;
export const ROW_DESCRIPTION = 0x54;
export const COMMAND_COMPLETE = 0x43;
export const READY_FOR_QUERY = 0x5a;
export const ERROR_RESPONSE = 0x45;

/** One row of an internal query, in text; null for NULL. */
export type TextRow = readonly (string | null)[];

/** PGlite flushes its buffer wherever it is full: this keeps a torn end until its rest comes. */
export class WholeFrames {
  readonly #emit: (frames: Buffer) => void;
  #torn: Buffer[] = [];
  #tornBytes = 0;
  /** Bytes of the torn frame, or what it takes to know them. */
  #needed = 5;

  constructor(emit: (frames: Buffer) => void) {
    this.#emit = emit;
  }

  push(data: Uint8Array): void {
    // PGlite uses the memory behind `data` again.
    this.#torn.push(Buffer.from(data));
    this.#tornBytes += data.byteLength;
    if (this.#tornBytes < this.#needed) return;
    const bytes = this.#torn.length === 1 ? (this.#torn[0] ?? NOTHING) : Buffer.concat(this.#torn);
    let end = 0;
    this.#needed = 5;
    while (bytes.byteLength - end >= 5) {
      this.#needed = 1 + bytes.readInt32BE(end + 1);
      if (end + this.#needed > bytes.byteLength) break;
      end += this.#needed;
      this.#needed = 5;
    }
    if (end > 0) this.#emit(bytes.subarray(0, end));
    this.#torn = end === bytes.byteLength ? [] : [bytes.subarray(end)];
    this.#tornBytes = bytes.byteLength - end;
  }
}

const NOTHING = Buffer.alloc(0);

/** A DataRow's values. */
export function textRow(body: Buffer): TextRow {
  return valuesOf(keyOfRow(body)).map((value) =>
    value === null ? null : Buffer.from(value).toString('utf8'),
  );
}

/** Reads a RowDescription. */
export function parseFields(body: Buffer): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 2; at < body.byteLength; at += 18) {
    const end = body.indexOf(0, at);
    const name = body.toString('utf8', at, end);
    at = end + 1;
    fields.push({
      name,
      typeOid: body.readUInt32BE(at + 6),
      typeSize: body.readInt16BE(at + 10),
      typeModifier: body.readInt32BE(at + 12),
    });
  }
  return fields;
}

/** Reads an ErrorResponse (PostgreSQL protocol 3, "Error and Notice Message Fields"). */
export function parseError(body: Buffer): EngineError {
  const fields = new Map<string, string>();
  for (const field of body.toString('utf8').split('\0')) {
    if (field !== '') fields.set(field.charAt(0), field.slice(1));
  }
  const [detail, hint] = [fields.get('D'), fields.get('H')];
  return new EngineError(fields.get('C') ?? 'XX000', fields.get('M') ?? 'unknown error', {
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
  });
}
