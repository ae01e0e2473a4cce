import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add } from '../protocol/multiset.ts';
import { batches } from './batches.ts';
import { fakeWorld } from './fake-world.ts';

const row = (user: string, count: number) => JSON.stringify([user, count]);

test('an iterator starts with what is held, and merges what comes while nobody asks', async () => {
  const { client, server, clock } = fakeWorld();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  const top = client.subscribe('top');
  clock.advance(10);
  const reader = batches(top);
  const first = await reader.next();
  expect(first.value?.lower).toBeNull();
  expect(first.value?.changes('top')).toEqual([[1, ['a', 1]]]);
  server.move(1, { top: new Map([[row('b', 1), 1]]) });
  clock.advance(10);
  server.move(1, {
    top: new Map([
      [row('b', 1), -1],
      [row('b', 2), 1],
    ]),
  });
  clock.advance(10);
  const second = await reader.next();
  expect(second.value?.lower).toBe(first.value?.upper);
  expect(second.value?.changes('top')).toEqual([[1, ['b', 2]]]);
  top.close();
  expect(await reader.next()).toEqual({ value: undefined, done: true });
});

test('an iterator ends with the error that refused its view', async () => {
  const { client, clock } = fakeWorld();
  const name: 'top' = JSON.parse('"nope"');
  const next = batches(client.subscribe(name)).next();
  clock.advance(10);
  await expect(next).rejects.toMatchObject({ code: 'unknown_view' });
});

test('leaving a loop leaves the subscription as it was', async () => {
  const { client, clock } = fakeWorld();
  const top = client.subscribe('top');
  clock.advance(10);
  for await (const { lower } of batches(top)) {
    expect(lower).toBeNull();
    break;
  }
  expect(top.status.state).toBe('live');
});

test('however slow the reader, the fold of what it reads is what is held', async () => {
  const moves = fc.array(
    fc.tuple(fc.constantFrom('a', 'b'), fc.nat(2), fc.constantFrom(-1, 1), fc.boolean()),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(moves, async (all) => {
      const { client, server, clock } = fakeWorld();
      const top = client.subscribe('top');
      const reader = batches(top);
      const folded = new Map<string, number>();
      const read = async () => {
        const { value } = await reader.next();
        for (const [diff, values] of value?.changes('top') ?? []) {
          add(folded, JSON.stringify(values), diff);
        }
      };
      clock.advance(10);
      await read();
      for (const [user, count, diff, reads] of all) {
        server.move(1, { top: new Map([[row(user, count), diff]]) });
        clock.advance(10);
        if (reads) await read();
      }
      server.move(1, {});
      clock.advance(10);
      await read();
      expect(folded).toEqual(server.rows('top'));
      client.close();
    }),
  );
});
