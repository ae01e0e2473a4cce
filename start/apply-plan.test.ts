import { expect, test } from 'vitest';
import { describePlan, planSteps, statementsOf } from './apply-plan.ts';
import { readDefinitions } from './definition.ts';
import type { RelationKind } from './hand-made.ts';
import type { Ledger } from './ledger.ts';

const SQL = `
CREATE CONNECTION k TO KAFKA (BROKER 'a:9092');
CREATE TABLE t FROM SOURCE s (REFERENCE "v") FORMAT TEXT;
CREATE VIEW v AS SELECT 1 FROM t;
CREATE MATERIALIZED VIEW w AS SELECT 2 FROM v;
CREATE VIEW x AS SELECT 3 FROM w;`;
const wanted = new Map(readDefinitions('f', SQL).map((each) => [each.name, each]));

/** What there is, by name; `recorded` with another text than the one that is wanted. */
function plan(there: Readonly<Record<string, RelationKind>>, recorded: Record<string, string>) {
  const ledger: Ledger = {
    get: (name) => recorded[name],
    names: () => Object.keys(recorded),
    set: () => {},
    delete: () => {},
  };
  const byHand = new Map([['mine', 'CREATE VIEW mine AS SELECT * FROM x']]);
  return planSteps({ relations: new Map(Object.entries(there)), byHand }, ledger, wanted, true);
}

const asWanted = (name: string): [string, string] => [name, wanted.get(name)?.fingerprint ?? ''];

test('an empty database gets everything, a finished one nothing', () => {
  const steps = plan({}, {});
  expect(steps.map(({ action, name }) => `${action} ${name}`)).toEqual([
    'create k',
    'create t',
    'create v',
    'create w',
    'create x',
  ]);
  expect(statementsOf(steps, wanted)[0]).toBe(`CREATE CONNECTION k TO KAFKA (BROKER 'a:9092');`);
  const there = {
    k: 'connection',
    t: 'table',
    v: 'view',
    w: 'materialized-view',
    x: 'view',
  } as const;
  const recorded = Object.fromEntries(['k', 't', 'v', 'w', 'x'].map(asWanted));
  expect(describePlan(plan(there, recorded))).toEqual(['keep    5 that are as they should be']);
});

test('what changed is replaced with what stands upon it, made by hand or not', () => {
  const there = {
    k: 'connection',
    t: 'table',
    v: 'view',
    w: 'materialized-view',
    x: 'view',
    mine: 'view',
    old: 'view',
  } as const;
  const recorded = { ...Object.fromEntries(['w', 't', 'x'].map(asWanted)), v: 'other', old: '' };
  expect(describePlan(plan(there, { ...recorded, k: 'other' }))).toEqual([
    expect.stringMatching(/^refuse {2}connection k: k exists as a connection with another/),
    'replace view v, and with it w, x, mine',
    'drop    view old',
    'keep    3 that are as they should be',
  ]);
});

test('a view that came from elsewhere is left alone', () => {
  expect(plan({ v: 'view' }, {}).find(({ name }) => name === 'v')).toMatchObject({
    action: 'refuse',
    why: 'it exists and was not made from here; --replace takes it over',
  });
});
