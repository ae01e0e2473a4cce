import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf, RowsHash } from './hash.ts';

/** Published vectors of MurmurHash3 x86 32: text, with seed 0x9747b28c, with seed 0. */
const MURMUR3 = [
  ['test', '704b81dc', 'ba6bd213'],
  ['Hello, world!', '24884cba', 'c0363e43'],
  ['The quick brown fox jumps over the lazy dog', '2fa826cd', '2e4ff723'],
] as const;

test.each(MURMUR3)('P3: %s has the published hash in both lanes', (text, upper, lower) => {
  expect(hashOf(new Map([[text, 1]]))).toBe(upper + lower);
});

const rows = fc.string({ unit: 'binary', maxLength: 40 });
const diffs = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -(2 ** 21), max: 2 ** 21 }),
  fc.maxSafeInteger(),
);
const updates = fc.array(fc.tuple(rows, diffs), { maxLength: 20 });

const sumOf = (all: readonly (readonly [string, number])[]): string => {
  const hash = new RowsHash();
  for (const [row, diff] of all) hash.add(row, diff);
  return hash.toString();
};

test('P3: the sum is exact mod 2^64', () => {
  fc.assert(
    fc.property(updates, (all) => {
      let sum = 0n;
      for (const [row, diff] of all) {
        sum += BigInt(`0x${hashOf(new Map([[row, 1]]))}`) * BigInt(diff);
      }
      expect(sumOf(all)).toBe(BigInt.asUintN(64, sum).toString(16).padStart(16, '0'));
    }),
  );
});

test('P3: the order of changes does not matter, and what comes and goes leaves nothing', () => {
  fc.assert(
    fc.property(updates, (all) => {
      const undone = all.map(([row, diff]) => [row, -diff] as const);
      expect(sumOf(all)).toBe(sumOf(all.toReversed()));
      expect(sumOf([...all, ...undone])).toBe('0000000000000000');
    }),
  );
});

test('rows longer than any before are hashed whole', () => {
  const long = 'ü'.repeat(10_000);
  expect(sumOf([[long, 1]])).not.toBe(sumOf([[`${long}x`, 1]]));
  expect(sumOf([[`${long}a`, 1]])).not.toBe(sumOf([[`${long}b`, 1]]));
});

test('100,000 small rows do not collide in either lane more than chance allows', () => {
  const upper = new Set<string>();
  const both = new Set<string>();
  const count = 100_000;
  for (let n = 0; n < count; n++) {
    const hash = hashOf(new Map([[`["user ${n}",${n % 7}]`, 1]]));
    upper.add(hash.slice(0, 8));
    both.add(hash);
  }
  expect(both.size).toBe(count);
  // Chance gives count² / 2^33, about 1.2 collisions in one lane of 32 bits.
  expect(count - upper.size).toBeLessThan(12);
});
