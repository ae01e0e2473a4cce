import avro from 'avsc';

/**
 * Avro's 64-bit long without loss: a number as long as a double holds it exactly, beyond that its
 * decimal text, as everywhere in viewcast's JSON. In: safe integers, bigints, and the text of an
 * integer beyond the safe ones. avsc's own long throws there, or rounds.
 */
export type Long = number | string | bigint;

const least = -(2n ** 63n);
const greatest = 2n ** 63n - 1n;
/** So many varint bytes always fit a double: 49 bits. */
const exactBytes = 7;

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** Texts of safe integers are refused, so that one value has one form and unions stay unambiguous. */
function isLong(value: unknown): value is Long {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value === 'bigint') return value >= least && value <= greatest;
  if (typeof value !== 'string' || !/^-?[1-9]\d{15,18}$/.test(value)) return false;
  const integer = BigInt(value);
  return integer >= least && integer <= greatest && !isSafe(integer);
}

/** Filled and copied: an array for each value would cost more than all the rest. */
const scratch = Buffer.allocUnsafe(10);

function writeVarint(value: Long): Buffer {
  if (typeof value !== 'number' || Math.abs(value) >= 2 ** 52) return writeWide(BigInt(value));
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let length = 0;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) scratch[length++] = (rest % 128) | 0x80;
  scratch[length++] = rest;
  return scratch.subarray(0, length);
}

function writeWide(value: bigint): Buffer {
  let rest = value < 0n ? -2n * value - 1n : 2n * value;
  let length = 0;
  for (; rest > 0x7fn; rest >>= 7n) scratch[length++] = Number(rest & 0x7fn) | 0x80;
  scratch[length++] = Number(rest);
  return scratch.subarray(0, length);
}

function readVarint(bytes: Buffer): number | string {
  if (bytes.length > exactBytes) return readWide(bytes);
  let folded = 0;
  for (let i = bytes.length - 1; i >= 0; i -= 1) folded = folded * 128 + ((bytes[i] ?? 0) & 0x7f);
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

function readWide(bytes: Buffer): number | string {
  let folded = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    folded = (folded << 7n) | BigInt((bytes[i] ?? 0) & 0x7f);
  }
  const integer = BigInt.asIntN(64, (folded >> 1n) ^ -(folded & 1n));
  return isSafe(integer) ? Number(integer) : String(integer);
}

function fromJson(value: unknown): number | string {
  if (!isLong(value)) throw new Error(`expected a 64-bit integer, got ${String(value)}`);
  const integer = BigInt(value);
  return isSafe(integer) ? Number(integer) : String(integer);
}

/** The type that stands for `long` in every schema parsed here. */
export const longType: avro.Type = avro.types.LongType.__with(
  {
    fromBuffer: readVarint,
    toBuffer: writeVarint,
    fromJSON: fromJson,
    toJSON: (value: Long) => value,
    isValid: isLong,
    compare: (a: Long, b: Long) => Number(BigInt(a) > BigInt(b)) - Number(BigInt(a) < BigInt(b)),
  },
  true,
);
