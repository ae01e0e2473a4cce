import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Grant,
  openGrant,
  permits,
  permitsTopic,
  permitsWhole,
  stillPermits,
} from './grant.ts';

const grant: Grant = {
  ...openGrant,
  views: new Set(['useredits', 'counter']),
  where: new Map([['useredits', { user: 'X' }]]),
  topics: new Set(['example']),
};

test('a view that the token does not name is denied', () => {
  expect(permits(grant, 'top10', undefined).kind).toBe('denied');
  expect(permits(grant, 'counter', undefined)).toEqual({ kind: 'permitted', where: undefined });
});

test('names of Object.prototype are views and columns like others', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
    expect(permits(grant, name, undefined).kind).toBe('denied');
    const asked = Object.fromEntries([[name, 1]]);
    const permission = permits(grant, 'useredits', asked);
    expect(permission.kind === 'permitted' && Object.entries(permission.where ?? {})).toEqual([
      [name, 1],
      ['user', 'X'],
    ]);
  }
});

test.each([
  ['no filter', undefined, { user: 'X' }],
  ['another column', { wiki: 'en' }, { wiki: 'en', user: 'X' }],
  ['the same value', { user: 'X' }, { user: 'X' }],
  ['another value', { user: 'Y' }, null],
  ['null', { user: null }, null],
  ['a number for a text', { user: 1 }, null],
])('forced values with a viewer asking for %s', (_name, asked, shown) => {
  const permission = permits(grant, 'useredits', asked);
  if (shown === null) expect(permission.kind).toBe('denied');
  else expect(permission).toEqual({ kind: 'permitted', where: shown });
});

test('interfaces without filters show nothing of a view whose rows are forced', () => {
  expect(permitsWhole(grant, 'useredits').kind).toBe('denied');
  expect(permitsWhole(grant, 'counter').kind).toBe('permitted');
  expect(permitsWhole(openGrant, 'useredits').kind).toBe('permitted');
});

test('topics are those named', () => {
  expect(permitsTopic(grant, 'example')).toBe(true);
  expect(permitsTopic(grant, 'other')).toBe(false);
  expect(permitsTopic(openGrant, 'other')).toBe(true);
});

const value = fc.oneof(fc.constantFrom(null, true, false, 0, 1, '', '1', 'X'), fc.double());
const filter = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), value);
const rows = fc.array(fc.record({ a: value, b: value, c: value }));

const shows = (where: Readonly<Record<string, unknown>> | undefined, row: object): boolean =>
  Object.entries(where ?? {}).every(
    ([column, wanted]) => JSON.stringify(Reflect.get(row, column)) === JSON.stringify(wanted),
  );

test('whatever a viewer asks, every row shown has the forced values and the asked ones', () => {
  fc.assert(
    fc.property(filter, fc.option(filter, { nil: undefined }), rows, (forced, asked, all) => {
      const one: Grant = { ...openGrant, where: new Map([['v', forced]]) };
      const permission = permits(one, 'v', asked);
      const both = all.filter((row) => shows(forced, row) && shows(asked, row));
      const shown =
        permission.kind === 'denied' ? [] : all.filter((row) => shows(permission.where, row));
      expect(shown).toEqual(both);
    }),
  );
});

test('a subscription goes on under the grant that it was made with, and no narrower one', () => {
  fc.assert(
    fc.property(filter, filter, fc.option(filter, { nil: undefined }), (first, second, asked) => {
      const before: Grant = { ...openGrant, where: new Map([['v', first]]) };
      const after: Grant = { ...openGrant, where: new Map([['v', second]]) };
      const permission = permits(before, 'v', asked);
      if (permission.kind === 'denied') return;
      expect(stillPermits(before, 'v', asked, permission.where)).toBe(true);
      const then = permits(after, 'v', asked);
      const same =
        then.kind === 'permitted' &&
        JSON.stringify(Object.entries(then.where ?? {}).sort()) ===
          JSON.stringify(Object.entries(permission.where ?? {}).sort());
      expect(stillPermits(after, 'v', asked, permission.where)).toBe(same);
      const none: Grant = { ...before, views: new Set() };
      expect(stillPermits(none, 'v', asked, permission.where)).toBe(false);
    }),
  );
});
