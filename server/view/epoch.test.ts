import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { epochOf } from './epoch.ts';

const RELATION = { identity: 'env', object: 'u1', columns: [{ name: 'a', type: 'text' }] };

test('an epoch is 16 base64url characters of the hash that PROTOCOL.md names', () => {
  const text = '["env","u1",[["a","text"]],0]';
  const expected = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  expect(epochOf(RELATION, 0)).toBe(expected);
});

test('each part makes it another one', () => {
  const epochs = [
    epochOf(RELATION, 0),
    epochOf(RELATION, 1),
    epochOf({ ...RELATION, identity: 'other' }, 0),
    epochOf({ ...RELATION, object: 'u2' }, 0),
    epochOf({ ...RELATION, columns: [] }, 0),
    epochOf({ ...RELATION, columns: [{ name: 'a', type: 'bigint' }] }, 0),
  ];
  expect(new Set(epochs).size).toBe(epochs.length);
});
