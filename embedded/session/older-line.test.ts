import { expect, test } from 'vitest';
import { END_OF_TIME, type Engine, EngineError } from '../engine.ts';
import { constantSubscription } from '../feed.ts';
import { FakeEngine } from './fake-engine.ts';
import { asOlderLine } from './older-line.ts';

const request = { from: { relation: 'v' }, snapshot: true } as const;
const asOf = { ...request, asOf: { time: 41n, atLeast: false } };

function refusing(error: unknown) {
  const engine = new FakeEngine();
  engine.subscribe = () => Promise.reject(error);
  return asOlderLine(engine);
}

test('an AS OF without history is refused in the older line’s sentence', async () => {
  const error = new EngineError('22000', 'could not find a valid timestamp for the query', {
    detail: "Constraints:\nlower:\n  (Storage inputs): [50]\nupper:\n  (Query's AS OF): [41]",
  });
  await expect(refusing(error).subscribe(asOf, new Map())).rejects.toMatchObject({
    code: 'XX000',
    message: 'Timestamp (41) is not valid for all inputs: [Antichain { elements: [50] }]',
  });
  const other = new EngineError('42601', 'no');
  await expect(refusing(other).subscribe(asOf, new Map())).rejects.toBe(other);
});

test('a view that can never change starts without progress', async () => {
  const engine: Engine = new FakeEngine();
  engine.subscribe = async () => constantSubscription([], new Map([['\0\0\0\x011', 1]]));
  const subscription = await asOlderLine(engine).subscribe(request, new Map());
  expect(subscription.take(1)).toMatchObject([{ kind: 'data', time: END_OF_TIME }]);
  expect(subscription.take(1)).toEqual([]);
  expect(subscription.ended).toBe(true);
});

test('DROP VIEW drops materialized views too', async () => {
  const engine = new FakeEngine();
  const dropped: string[] = [];
  const relations = [
    { name: 'm', kind: 'materialized-view' },
    { name: 'v', kind: 'view' },
  ] as const;
  Object.assign(engine.catalog, {
    relations: async () => relations,
    drop: async (it: { kind: string; names: string[] }) => dropped.push(`${it.kind} ${it.names}`),
  });
  const drop = { kind: 'view', names: ['m', 'v'], ifExists: false, cascade: false } as const;
  await asOlderLine(engine).catalog.drop(drop);
  expect(dropped).toEqual(['materialized-view m', 'view v']);
});
