import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../protocol/update.ts';
import { runs } from '../../tests/runs.ts';
import { isSameJson } from './same-json.ts';

/** Few names and values, so that two of them are often equal. */
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, 0, 1, '1', '', 'null', '__proto__'),
    fc.array(tie('json'), { maxLength: 3 }),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', '1', '__proto__'), tie('json')), {
        maxLength: 3,
        selector: ([name]) => name,
      })
      .map((fields): Json => Object.fromEntries(fields)),
  ),
}));

/** The same value with the fields of each object the other way round. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).reverse();
  return Object.fromEntries(fields.map(([name, inner]) => [name, reversed(inner)]));
}

test('values are the same exactly when Node calls them deeply equal', () =>
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(isSameJson(a, b)).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: runs(1_000) },
  ));

test('the order of fields does not count, that of elements does', () => {
  fc.assert(fc.property(json, (value) => isSameJson(value, reversed(value))));
  expect(isSameJson([1, 2], [2, 1])).toBe(false);
});
