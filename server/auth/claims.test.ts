import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClaimsError, readClaims } from './claims.ts';

const read = (viewcast: unknown) => readClaims({ viewcast }, 'viewcast');

test('rights are read as they are written', () => {
  const grant = readClaims(
    {
      sub: 'ada',
      exp: 1_700_000_000,
      viewcast: {
        views: ['useredits', 'counter'],
        where: { useredits: { user: 'X', bot: false } },
        submit: ['example'],
      },
    },
    'viewcast',
  );
  expect(grant).toEqual({
    subject: 'ada',
    expiresAtMs: 1_700_000_000_000,
    views: new Set(['useredits', 'counter']),
    where: new Map([['useredits', { user: 'X', bot: false }]]),
    topics: new Set(['example']),
  });
});

test('what is not named is not allowed', () => {
  const grant = read({});
  expect([grant.views, grant.topics, grant.expiresAtMs]).toEqual([new Set(), new Set(), null]);
  expect(read({ views: '*', submit: '*' })).toMatchObject({ views: 'all', topics: 'all' });
});

test('the claim may have another name', () => {
  const name = 'https://example.org/viewcast';
  expect(readClaims({ [name]: { views: ['a'] } }, name).views).toEqual(new Set(['a']));
  expect(() => readClaims({ viewcast: { views: ['a'] } }, name)).toThrow(ClaimsError);
  expect(() => readClaims({}, 'toString')).toThrow(ClaimsError);
});

test.each<[string, unknown]>([
  ['a misspelt where', { views: ['a'], wher: { a: { user: 'X' } } }],
  ['an empty filter', { views: ['a'], where: { a: {} } }],
  ['a filter on a view that is not allowed', { views: ['a'], where: { b: { user: 'X' } } }],
  ['a filter by an object', { views: ['a'], where: { a: { user: { not: 'X' } } } }],
  ['a filter by a list', { views: ['a'], where: { a: { user: ['X'] } } }],
  ['one name without a list', { views: 'a' }],
  ['a list of numbers', { views: [1] }],
  ['null', null],
  ['a text', 'views'],
  ['a list', ['a']],
  ['a filter on a column __proto__', JSON.parse('{"views":"*","where":{"a":{"__proto__":1}}}')],
  ['a filter on a view __proto__', JSON.parse('{"views":"*","where":{"__proto__":{"a":1}}}')],
])('%s refuses the token', (_name, rights) => {
  expect(() => read(rights)).toThrow(ClaimsError);
});

test('whatever the claim holds, it is read or refused by name', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (rights) => {
      try {
        read(rights);
      } catch (error) {
        expect(error).toBeInstanceOf(ClaimsError);
      }
    }),
  );
});

test('every forced value that is written is forced', () => {
  const where = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
      fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.string().filter((text) => text !== '__proto__'),
      ),
      { minKeys: 1 },
    ),
  );
  fc.assert(
    fc.property(where, (forced) => {
      const grant = read(JSON.parse(JSON.stringify({ views: '*', where: forced })));
      const entries = [...grant.where].map(([view, columns]) => [view, Object.entries(columns)]);
      expect(entries).toEqual(
        Object.entries(forced).map(([view, columns]) => [view, Object.entries(columns)]),
      );
    }),
  );
});
