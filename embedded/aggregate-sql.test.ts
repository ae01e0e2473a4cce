import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AggregatePlan, readAggregate } from './aggregate.ts';
import { maintainSql, originalQuery, resultColumns, storeQuery } from './aggregate-sql.ts';

const KEYS = ['t.b', "t.c ->> 'x'::text"];
const OUTPUTS = [
  ...KEYS,
  'count(*)',
  'count(t.a)',
  'sum(t.a)',
  "sum(t.a) FILTER (WHERE (t.b <> ')'::text))",
  'avg(t.a)',
];

/** The plan of a query that PostgreSQL explains with these outputs. */
function planOf(outputs: readonly string[], keys: readonly string[] = KEYS): AggregatePlan {
  const scan = { 'Node Type': 'Seq Scan', Alias: 't', Filter: '(t.a > 1)' };
  const read = readAggregate({
    'Node Type': 'Aggregate',
    'Group Key': keys,
    Output: outputs,
    Plans: [scan],
  });
  if (typeof read === 'string') throw new Error(read);
  return { ...read.shape, base: 'u1', pinSettings: false };
}

test('what was read from a plan is written as the query it came from', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(OUTPUTS, { minLength: 1 }), (outputs) => {
      expect(originalQuery(planOf(outputs), 'public."t"', '(t.a > 1)')).toBe(
        `SELECT ${outputs.join(', ')} FROM public."t" AS "t" WHERE (t.a > 1) GROUP BY ${KEYS.join(', ')}`,
      );
    }),
  );
});

test('the view reads only what the store has', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(OUTPUTS, { minLength: 1 }), (outputs) => {
      const plan = planOf(outputs);
      const stored = storeQuery(plan, 'public."t"').matchAll(/ AS ([knam]\d*)(?=,| FROM)/g);
      const names = new Set([...stored].map(([, name]) => name));
      const read = resultColumns(plan, 's')
        .join(' ')
        .matchAll(/\bs\.(\w+)/g);
      for (const [, name] of read) expect(names).toContain(name);
    }),
  );
});

test('without keys the one row is added to, with them a group may be new', () => {
  expect(maintainSql(planOf(['count(*)'], []), 'INSERT', 'store', null)).toMatch(/^UPDATE store /);
  expect(maintainSql(planOf(['count(*)']), 'INSERT', 'store', null)).toMatch(
    /^INSERT INTO store .* ON CONFLICT \(k0, k1\) DO UPDATE SET n = s\.n \+ excluded\.n;$/s,
  );
});

test('rows that count for a while are looked for only where they were not let go', () => {
  const window = { column: 't.at', spanMs: 60_000, relation: 'u2' };
  const query = storeQuery({ ...planOf(['count(*)']), window }, 'public."t"');
  expect(query).toContain("relation = 'u2') - 60000 GROUP BY");
});
