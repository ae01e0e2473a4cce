import type { Changes, Diff, RowText } from './update.ts';

/** Seeds of the two lanes (PROTOCOL.md, "Hash"). */
const UPPER_SEED = 0x9747b28c;
const LOWER_SEED = 0;

const TWO_32 = 2 ** 32;
/** Up to here a lane times a diff, plus a carry, is exact in a double. */
const MAX_EXACT_DIFF = 2 ** 20;

const encoder = new TextEncoder();
/** The UTF-8 of the row at hand: one buffer for all rows, grown to the largest. */
let bytes = new Uint8Array(1024);

/**
 * The hash of a multiset of rows, Σ diff · h(row) mod 2^64, kept up to date in O(bytes of the row)
 * for each change, in any order. h has two lanes of MurmurHash3 x86 32 over UTF-8 (PROTOCOL.md,
 * "Hash"). It finds faults, not forgers.
 */
export class RowsHash {
  #upper = 0;
  #lower = 0;

  /** Adds `diff` copies of a row; a negative diff takes them away. */
  add(row: RowText, diff: Diff): void {
    const length = encode(row);
    const upper = murmur3(length, UPPER_SEED);
    const lower = murmur3(length, LOWER_SEED);
    if (diff >= -MAX_EXACT_DIFF && diff <= MAX_EXACT_DIFF) {
      const sum = this.#lower + lower * diff;
      this.#upper = (this.#upper + upper * diff + Math.floor(sum / TWO_32)) >>> 0;
      this.#lower = sum >>> 0;
    } else {
      this.#addExactly((BigInt(upper) << 32n) | BigInt(lower), BigInt(diff));
    }
  }

  /** Adds every change of a batch. */
  addAll(changes: Changes): void {
    for (const [row, diff] of changes) this.add(row, diff);
  }

  /** The sum as 16 lower-case hexadecimal digits. */
  toString(): string {
    return hex(this.#upper) + hex(this.#lower);
  }

  #addExactly(hash: bigint, diff: bigint): void {
    const held = (BigInt(this.#upper) << 32n) | BigInt(this.#lower);
    const sum = BigInt.asUintN(64, held + hash * diff);
    this.#upper = Number(sum >> 32n);
    this.#lower = Number(sum & 0xffffffffn);
  }
}

/** The hash of a multiset, or of changes. */
export function hashOf(rows: Changes): string {
  const hash = new RowsHash();
  hash.addAll(rows);
  return hash.toString();
}

function hex(lane: number): string {
  return lane.toString(16).padStart(8, '0');
}

/** Writes the row into `bytes`; its length there. A UTF-16 unit takes 3 bytes at most. */
function encode(row: RowText): number {
  if (bytes.length < row.length * 3) bytes = new Uint8Array(row.length * 3);
  return encoder.encodeInto(row, bytes).written;
}

/** MurmurHash3 x86 32 of the first `length` of `bytes`: Austin Appleby, in the public domain. */
function murmur3(length: number, seed: number): number {
  let hash = seed;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(block(at, 4));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  if (length > whole) hash ^= scramble(block(whole, length - whole));
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Up to four bytes from `at`, little-endian. */
function block(at: number, size: number): number {
  let value = 0;
  for (let n = size - 1; n >= 0; n--) value = (value << 8) | (bytes[at + n] ?? 0);
  return value;
}

function scramble(value: number): number {
  const mixed = Math.imul(value, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
