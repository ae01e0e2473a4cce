import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLiteralInsert, readParameterInsert } from './insert-statement.ts';
import { quoteName, quoteText } from './lexer.ts';
import { Relations } from './relation.ts';
import { sampleRelation } from './relation-sample.ts';

const NAMES = ['a', 'B c', 'values', ')', '"'];
const columns = NAMES.map((name) => ({
  name,
  nullable: true,
  type: 'text',
  typeOid: 25,
  unnestable: true,
}));
const relations = new Relations([sampleRelation({ id: 'u1', name: "it's", columns })]);

const tables = fc.constantFrom(`"it's"`, `public."it's"`, `/* ( */ PUBLIC . "it's"`);
const named = fc.shuffledSubarray(NAMES, { minLength: 1 });
const list = (names: readonly string[]): string => names.map(quoteName).join(', ');
const literals = fc.oneof(
  fc.string().map(quoteText),
  fc.integer().map(String),
  fc.constantFrom('NULL', 'true', 'DEFAULT', '+1', '- 2.5e3', '$$a); --$$', "E'\\''"),
);

test('a tuple of literals is told from what stands before it, whatever the literals hold', () => {
  fc.assert(
    fc.property(tables, named, fc.array(literals, { minLength: 1 }), (table, names, values) => {
      const head = `INSERT INTO ${table} (${list(names)}) VALUES `;
      const tuple = `(${values.join(', ')})`;
      expect(readLiteralInsert(head + tuple, relations)).toEqual({ head, tuple });
      expect(readLiteralInsert(`${head + tuple}, ${tuple}`, relations)).toBeNull();
      expect(readLiteralInsert(`${head + tuple} RETURNING 1`, relations)).toBeNull();
    }),
  );
});

test('parameters are taken only in the order of the columns, one for each', () => {
  fc.assert(
    fc.property(
      tables,
      named,
      fc.array(fc.integer({ min: 1, max: 5 })),
      (table, names, numbers) => {
        const insert = (order: readonly number[]) =>
          readParameterInsert(
            `insert into ${table} (${list(names)}) values (${order.map((n) => `$${n}`).join(', ')})`,
            relations,
          );
        const inOrder = names.map((_, at) => at + 1);
        expect(insert(inOrder)?.columns.map(({ name }) => name)).toEqual(names);
        expect(insert(inOrder)?.table).toBe(`public."it's"`);
        if (numbers.join() !== inOrder.join()) expect(insert(numbers)).toBeNull();
      },
    ),
  );
});
