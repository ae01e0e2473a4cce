import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../tests/runs.ts';
import { makeView, openCore, Reader, run } from './core-probe.ts';

const SPAN_MS = 1_000;
const VIEW = `SELECT u, count(*) AS c, sum(n) AS s FROM t
  WHERE mz_now() <= a + ${SPAN_MS} AND u IS NOT NULL GROUP BY u`;

interface Held {
  readonly a: number;
  readonly u: string | null;
  readonly n: number;
}
type Step =
  | { readonly kind: 'insert'; readonly age: number; readonly u: string | null; readonly n: number }
  | { readonly kind: 'update' | 'delete'; readonly id: number; readonly n: number }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    age: fc.integer({ min: -300, max: 1_300 }),
    u: fc.constantFrom('x', 'y', 'z', null),
    n: fc.integer({ min: -2, max: 5 }),
  }),
  fc.record({
    kind: fc.constantFrom('update' as const, 'delete' as const),
    id: fc.nat(12),
    n: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 700 }) }),
);

/** What the view is at a time: its query's words in JavaScript. */
function expectedAt(now: number, rows: Iterable<Held>): string[] {
  const groups = new Map<string, { c: number; s: number }>();
  for (const { a, u, n } of rows) {
    if (now > a + SPAN_MS || u === null) continue;
    const { c, s } = groups.get(u) ?? { c: 0, s: 0 };
    groups.set(u, { c: c + 1, s: s + n });
  }
  return [...groups].map(([u, { c, s }]) => `${u}|${c}|${s}`).toSorted();
}

test('a count of the last moments equals its query at each of them, and is kept', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 30, size: 'max' }),
    async (steps) => {
      let wall = 1_700_000_000_000;
      const core = await openCore({ wall: () => wall });
      try {
        await run(core, 'CREATE TABLE t (id integer, a bigint, u text, n integer)');
        await run(
          core,
          `INSERT INTO t VALUES (-1, ${wall}, 'x', 1), (-2, ${wall - 5_000}, 'x', 1)`,
        );
        // By a column, or by what is computed from it.
        const view = steps.length % 2 === 0 ? VIEW : VIEW.replace('<= a +', '<= a * 1 +');
        expect(await makeView(core, 'w', view)).toBeNull();
        const reader = await Reader.open(core, 'w');
        const rows = new Map<number, Held>([[-1, { a: wall, u: 'x', n: 1 }]]);
        for (const [id, one] of steps.entries()) {
          if (one.kind === 'wait') wall += one.ms;
          if (one.kind === 'insert') {
            const { u, n } = one;
            const a = wall - one.age;
            rows.set(id, { a, u, n });
            await run(core, `INSERT INTO t VALUES (${id}, ${a}, ${u && `'${u}'`}, ${n})`);
          }
          if (one.kind === 'delete') {
            rows.delete(one.id);
            await run(core, `DELETE FROM t WHERE id = ${one.id}`);
          }
          if (one.kind === 'update') {
            const held = rows.get(one.id);
            if (held !== undefined) rows.set(one.id, { ...held, n: one.n, u: 'y' });
            await run(core, `UPDATE t SET n = ${one.n}, u = 'y' WHERE id = ${one.id}`);
          }
          const now = await core.now();
          await reader.until(now);
          expect(reader.at(now)).toEqual(expectedAt(Number(now), rows.values()));
          const kept = (await run(core, 'SELECT * FROM w')).map((row) => row.join('|'));
          // A tick of its own may have moved time on before the rows were read, or after.
          const later = await core.now();
          const times = Array.from({ length: Number(later - now) + 1 }, (_, n) => Number(now) + n);
          expect(times.map((time) => expectedAt(time, rows.values()))).toContainEqual(
            kept.toSorted(),
          );
        }
      } finally {
        await core.close();
      }
    },
  );
  await fc.assert(property, { numRuns: runs(4) });
});

test('a window that its table does not keep, or of another form, is re-evaluated', async () => {
  const core = await openCore();
  try {
    await run(
      core,
      `CREATE TABLE t (a bigint, u text) WITH (RETAIN ROWS 5, RETAIN FOR '1 minute')`,
    );
    const group = (condition: string) =>
      `SELECT u, count(*) AS c FROM t WHERE ${condition} GROUP BY u`;
    expect(await makeView(core, 'kept', group('mz_now() <= a + 60000'))).toBeNull();
    const others = {
      longer: group('mz_now() <= a + 60001'),
      turned: group('mz_now() - 60000 <= a'),
      twice: group('mz_now() <= a + 60 AND mz_now() > a'),
      either: group("mz_now() <= a + 60 OR u = 'x'"),
      shown: 'SELECT mz_now() AS n, count(*) AS c FROM t WHERE mz_now() <= a GROUP BY 1',
    };
    for (const [name, sql] of Object.entries(others)) {
      expect(await makeView(core, name, sql), name).toMatch(/changes with time/);
    }
  } finally {
    await core.close();
  }
});
