import { expect, test } from 'vitest';
import { fakeWorld } from '../client/fake-world.ts';
import { Follow, REFUSED_MS } from './follow.ts';

const row = (user: string, count: number) => JSON.stringify([user, count]);

function world(views: readonly string[]) {
  const { client, server, clock } = fakeWorld();
  const environment = {
    now: () => clock.now,
    wall: () => clock.now,
    after: (ms: number, then: () => void) => clock.after(ms, then),
  };
  let changes = 0;
  const follow = new Follow(
    client,
    views.map((view) => ({ view })),
    environment,
    () => {
      changes += 1;
    },
  );
  return { client, server, clock, follow, changes: () => changes };
}

test('what changed is drawn once, what did not is left alone, all is as of one moment', () => {
  const { server, clock, follow } = world(['top', 'counter']);
  expect(follow.time('top')).toBeUndefined();
  clock.advance(10);
  expect(follow.take('top')).toMatchObject({ rows: [], behind: 1 });
  expect(follow.take('counter')).toMatchObject({ rows: [], behind: 1 });
  server.move(1, { counter: new Map([['[1]', 1]]) });
  clock.advance(10);
  server.move(1, {
    counter: new Map([
      ['[1]', -1],
      ['[2]', 1],
    ]),
  });
  clock.advance(10);
  expect(follow.take('top')).toBeNull();
  expect(follow.take('counter')).toMatchObject({ rows: [[2]], behind: 2 });
  expect(follow.take('counter')).toBeNull();
  expect(follow.time('top')).toBe(server.time);
  expect(follow.time('counter')).toBe(server.time);
});

test('what is refused is asked for again, and what was held stays', () => {
  const { client, server, clock, follow, changes } = world(['top']);
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  clock.advance(10);
  expect(follow.state).toBe('live');
  const before = changes();
  server.say({ type: 'error', id: 's1', code: 'unknown_view', message: 'gone' });
  clock.advance(10);
  expect(follow.state).toBe('refused');
  expect(changes()).toBeGreaterThan(before);
  expect(follow.take('top')?.rows).toEqual([['a', 1]]);
  clock.advance(REFUSED_MS + 10);
  expect(follow.state).toBe('live');
  expect(follow.take('top')?.rows).toEqual([['a', 1]]);
  client.close();
});
