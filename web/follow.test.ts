import { expect, test } from 'vitest';
import type { FakeServer } from '../client/fake-server.ts';
import { fakeWorld } from '../client/fake-world.ts';
import { Follow, REFUSED_MS } from './follow.ts';

const row = (user: string, count: number) => JSON.stringify([user, count]);

/** @param missing a view that the server lacks at first @param otherwise what to follow then */
function world(views: readonly string[], missing = '', otherwise: readonly string[] = []) {
  const { client, server, clock } = fakeWorld();
  const all = server.views;
  const serve = (without = '') => {
    server.views = new Map([...all].filter(([name]) => name !== without));
  };
  serve(missing);
  const environment = {
    now: () => clock.now,
    wall: () => clock.now,
    after: (ms: number, then: () => void) => clock.after(ms, then),
  };
  let changes = 0;
  const states = new Set<string>();
  const follow: Follow = new Follow(
    client,
    views.map((view) => ({ view })),
    environment,
    () => {
      changes += 1;
      states.add(follow.state);
    },
    undefined,
    otherwise.map((view) => [{ view }]),
  );
  return { client, server, clock, follow, serve, states, changes: () => changes };
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

const subscribed = (server: FakeServer) =>
  server.heard().flatMap((message) => {
    const { type, views = [] } = message as { type: string; views?: { view: string }[] };
    return type === 'subscribe' ? [views.map(({ view }) => view).join()] : [];
  });

test('what is followed in place of what is missing stays on show until that is there', async () => {
  const { server, clock, follow, serve, states } = world(['counter', 'top'], 'top', ['counter']);
  server.move(1, { counter: new Map([['[1]', 1]]) });
  clock.advance(10);
  expect(follow.take('counter')?.rows).toEqual([[1]]);
  expect(follow.time('top')).toBeUndefined();
  states.clear();
  follow.reconsider();
  follow.reconsider();
  clock.advance(10);
  expect(follow.take('counter'), 'it is not there yet: nothing moved').toBeNull();
  clock.advance(REFUSED_MS * 3);
  expect(subscribed(server), 'and nobody asks again').toEqual([
    ...['counter,top', 'counter', 'counter,top'],
  ]);
  serve();
  server.move(1, { top: new Map([[row('a', 1), 1]]) });
  follow.reconsider();
  expect(follow.rows('counter')).toEqual([[1]]);
  clock.advance(10);
  expect(follow.take('top')?.rows).toEqual([['a', 1]]);
  expect(follow.take('counter')?.rows).toEqual([[1]]);
  expect([...states], 'the reader is told of nothing').toEqual(['live']);
  expect(server.heard().at(-1), 'the one is enough').toMatchObject({ type: 'unsubscribe' });
  follow.reconsider();
  clock.advance(10);
  await Promise.resolve();
  expect(follow.take('top'), 'there is nothing better').toBeNull();
});

test('another connection may be to a server that has more', () => {
  const { server, clock, follow, serve } = world(['counter', 'top'], 'top', ['counter']);
  clock.advance(10);
  expect(follow.time('top')).toBeUndefined();
  serve();
  server.cut();
  clock.advance(10_000);
  expect(follow.time('top')).toBe(server.time);
});

test('refused on both sides at once, it looks for one of them alone, until one is there', () => {
  const { server, clock, follow, serve } = world(['counter', 'top'], 'top', ['counter']);
  clock.advance(10);
  serve('counter');
  follow.reconsider();
  server.say({ type: 'error', id: 's2', code: 'unknown_view', message: 'gone' });
  clock.advance(10);
  expect(follow.state).toBe('refused');
  const asked = subscribed(server).length;
  follow.reconsider();
  clock.advance(REFUSED_MS + 10);
  expect(subscribed(server).slice(asked)).toEqual(['counter,top', 'counter']);
  serve();
  clock.advance(REFUSED_MS + 10);
  expect(follow.state).toBe('live');
  expect(follow.time('top')).toBe(server.time);
});
