import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KnownIds } from './known-ids.ts';

test('an id is new unless it is among the newest distinct ones', () => {
  const ids = fc.array(fc.nat(12).map(String), { maxLength: 200 });
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 8 }), (sequence, limit) => {
      const known = new KnownIds([], limit);
      let newest: string[] = [];
      for (const id of sequence) {
        expect(known.add(id)).toBe(!newest.includes(id));
        if (!newest.includes(id)) newest = [...newest, id].slice(-limit);
      }
    }),
  );
});

test('the ids of the store are known from the start', () => {
  const known = new KnownIds(['a', 'b']);
  expect([known.add('a'), known.add('c'), known.add('c')]).toEqual([false, true, false]);
});
