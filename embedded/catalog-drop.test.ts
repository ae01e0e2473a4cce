import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DropRequest, whatGoes } from './catalog-drop.ts';
import { type Relation, Relations } from './relation.ts';
import { sampleRelation } from './relation-sample.ts';

const view = (id: string, deps: readonly string[], type: Relation['type'] = 'view'): Relation =>
  sampleRelation({ id, name: `v_${id}`, type, method: 'view', deps });

/** Views that read some of those before them. */
const catalogs = fc
  .array(fc.tuple(fc.array(fc.nat(20), { maxLength: 3 }), fc.boolean()), {
    minLength: 1,
    maxLength: 12,
  })
  .map((list) =>
    list.map(([back, isKept], at) => {
      const deps = new Set(back.filter((steps) => steps < at).map((steps) => `u${steps}`));
      return view(`u${at}`, [...deps], isKept ? 'materialized-view' : 'view');
    }),
  );

const drop = (names: readonly string[], more: Partial<DropRequest> = {}): DropRequest => ({
  kind: 'view',
  names,
  ifExists: false,
  cascade: false,
  ...more,
});

test('CASCADE takes all that would be left without what it reads, and nothing else', () => {
  fc.assert(
    fc.property(catalogs, fc.array(fc.nat(11), { minLength: 1 }), (all, picks) => {
      const named = new Set(picks.map((pick) => all[pick % all.length]?.name ?? ''));
      const gone = whatGoes(new Relations(all), drop([...named], { cascade: true }));
      const ids = gone.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { id, name, deps } of all) {
        const isLost = named.has(name) || deps.some((dep) => ids.includes(dep));
        expect(ids.includes(id), id).toBe(isLost);
        for (const dep of deps) {
          if (isLost && ids.includes(dep)) expect(ids.indexOf(id)).toBeLessThan(ids.indexOf(dep));
        }
      }
    }),
  );
});

test('without CASCADE just the named go, or none where another is left that reads them', () => {
  fc.assert(
    fc.property(catalogs, fc.array(fc.nat(11), { minLength: 1 }), (all, picks) => {
      const named = [...new Set(picks.map((pick) => all[pick % all.length]?.name ?? ''))];
      const ids = all.flatMap(({ id, name }) => (named.includes(name) ? [id] : []));
      const isNeeded = all.some(
        ({ name, deps }) => !named.includes(name) && deps.some((dep) => ids.includes(dep)),
      );
      const decide = () => whatGoes(new Relations(all), drop(named)).map(({ name }) => name);
      if (isNeeded) expect(decide).toThrow(expect.objectContaining({ code: '2BP01' }));
      else expect(decide().toSorted()).toEqual(named.toSorted());
    }),
  );
});

test('a name that is none, or of another kind, is refused; IF EXISTS forgives the first', () => {
  const relations = new Relations([view('u1', []), view('u2', [], 'source')]);
  const refusal = (request: DropRequest) => () => whatGoes(relations, request);
  expect(refusal(drop(['v_u9']))).toThrow("unknown catalog item 'v_u9'");
  expect(whatGoes(relations, drop(['v_u9'], { ifExists: true }))).toEqual([]);
  expect(refusal(drop(['v_u2'], { ifExists: true }))).toThrow('"v_u2" is not a view');
  expect(whatGoes(relations, drop(['v_u1'], { kind: 'materialized-view' }))).toHaveLength(1);
});
