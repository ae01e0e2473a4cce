import { EngineError, type Field } from '../engine.ts';
import { formatOf } from '../wire/backend.ts';
import { dataRows, type WireRow } from '../wire/rows.ts';

/**
 * An encoder of DataRows in the formats that the client asked for. Subscriptions come as text; the
 * common types are turned into PostgreSQL's binary form for drivers that always ask for it.
 *
 * @throws {EngineError} 0A000 for a column whose type has no binary form here.
 */
export function rowEncoder(
  fields: readonly Field[],
  formats: readonly number[],
): (rows: readonly WireRow[]) => Uint8Array {
  if (!formats.includes(1)) return dataRows;
  const columns = fields.map((field, index) => {
    if (formatOf(formats, index) === 0) return null;
    const encode = BINARY.get(field.typeOid);
    if (encode !== undefined) return encode;
    throw new EngineError(
      '0A000',
      `column "${field.name}" (type OID ${field.typeOid}) has no binary form in a subscription`,
      { hint: 'Ask for text results, or cast the column to text.' },
    );
  });
  const convert = (value: Uint8Array | null, index: number): Uint8Array | null => {
    const encode = columns[index];
    return value === null || encode == null ? value : encode(Buffer.from(value).toString());
  };
  return (rows) => dataRows(rows.map((row) => row.map(convert)));
}

/**
 * A parameter's value as text, null for NULL.
 *
 * @throws {EngineError} 0A000 for a binary value of a type that is not read here.
 */
export function parameterText(
  value: Buffer | null,
  format: number,
  typeOid: number,
  number: number,
): string | null {
  if (value === null) return null;
  if (format === 0) return value.toString('utf8');
  const decode = DECODE.get(typeOid);
  if (decode !== undefined) return decode(value);
  throw new EngineError('0A000', `parameter $${number} of a subscription must come as text`);
}

const DECODE: ReadonlyMap<number, (bytes: Buffer) => string> = new Map<
  number,
  (bytes: Buffer) => string
>([
  [16, (bytes) => (bytes[0] === 1 ? 't' : 'f')],
  [20, (bytes) => String(bytes.readBigInt64BE())],
  [21, (bytes) => String(bytes.readInt16BE())],
  [23, (bytes) => String(bytes.readInt32BE())],
  [25, (bytes) => bytes.toString('utf8')],
  [701, (bytes) => String(bytes.readDoubleBE())],
  [1043, (bytes) => bytes.toString('utf8')],
]);

type Encode = (text: string) => Uint8Array;

const asText: Encode = (text) => Buffer.from(text);

const BINARY: ReadonlyMap<number, Encode> = new Map<number, Encode>([
  [16, (text) => Buffer.from([text === 't' ? 1 : 0])],
  [17, (text) => Buffer.from(text.slice(2), 'hex')],
  [20, (text) => written(8, (b) => b.writeBigInt64BE(BigInt(text)))],
  [21, (text) => written(2, (b) => b.writeInt16BE(Number(text)))],
  [23, (text) => written(4, (b) => b.writeInt32BE(Number(text)))],
  [700, (text) => written(4, (b) => b.writeFloatBE(Number(text)))],
  [701, (text) => written(8, (b) => b.writeDoubleBE(Number(text)))],
  [1700, numeric],
  [2950, (text) => Buffer.from(text.replaceAll('-', ''), 'hex')],
  [3802, (text) => Buffer.concat([Buffer.from([1]), Buffer.from(text)])],
  ...[18, 19, 25, 114, 705, 1042, 1043].map((oid): [number, Encode] => [oid, asText]),
]);

function written(bytes: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
}

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: 0xc000,
  Infinity: 0xd000,
  '-Infinity': 0xf000,
};

/** PostgreSQL's numeric: digits in groups of four around the point (src: numeric_send's layout). */
function numeric(text: string): Buffer {
  const special = SPECIAL[text];
  if (special !== undefined) return shorts([0, 0, special, 0]);
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const right = fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const digits = [...(left + right).matchAll(/\d{4}/g)].map(([group]) => Number(group));
  let weight = left.length / 4 - 1;
  while (digits[0] === 0) {
    digits.shift();
    weight--;
  }
  while (digits.at(-1) === 0) digits.pop();
  if (digits.length === 0) weight = 0;
  return shorts([digits.length, weight, negative ? 0x4000 : 0, fraction.length, ...digits]);
}

function shorts(values: readonly number[]): Buffer {
  return written(values.length * 2, (buffer) => {
    for (const [index, value] of values.entries()) buffer.writeUInt16BE(value & 0xffff, index * 2);
  });
}
