import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnType, viewTypesText } from './row-type.ts';

test.each([
  ['boolean', 'boolean | null'],
  ['integer', 'number | null'],
  ['bigint', 'number | string | null'],
  ['numeric(10,2)', 'number | string | null'],
  ['double precision', 'number | string | null'],
  ['text', 'string | null'],
  ['character varying(20)', 'string | null'],
  ['timestamp(3) with time zone', 'string | null'],
  ['bytea', 'string | null'],
  ['jsonb', 'Json'],
  ['text[]', 'SqlArray<string> | null'],
  ['bigint[]', 'SqlArray<number | string> | null'],
  ['integer list', 'SqlArray<string> | null'],
  ['map[text=>text]', 'Json'],
  ['some_enum', 'string | null'],
])('a column of type %s is %s', (sqlType, type) => {
  expect(columnType(sqlType)).toBe(type);
});

test('views are sorted, each row a tuple with its columns named', () => {
  const count = { name: 'count', type: 'bigint' };
  const text = viewTypesText([
    { name: 'top10', columns: [{ name: 'user', type: 'text' }, count] },
    { name: 'counter', columns: [count] },
  ]);
  expect(text.slice(text.indexOf('export type Views'))).toBe(`export type Views = {
  readonly "counter": readonly [
    /** bigint */
    count: number | string | null,
  ];
  readonly "top10": readonly [
    /** text */
    user: string | null,
    /** bigint */
    count: number | string | null,
  ];
};
`);
});

test('no name or type can leave its comment or its quotes', () => {
  const names = fc.oneof(fc.string(), fc.constantFrom('*/ x', '"', '\n', '\\', '__proto__'));
  fc.assert(
    fc.property(names, names, (name, column) => {
      const text = viewTypesText([{ name, columns: [{ name: column, type: column }] }]);
      const body = text.slice(text.indexOf('export type Views'));
      const [, , , ...rest] = body.split('\n');
      expect(body.split('\n')[1]).toBe(`  readonly ${JSON.stringify(name)}: readonly [`);
      expect(rest.filter((line) => line.includes('*/')).length).toBeLessThanOrEqual(1);
    }),
  );
});
