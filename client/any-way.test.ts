import { expect, test } from 'vitest';
import { openAnyWay, SPEAK_MS } from './any-way.ts';
import { CONNECT_MS } from './connection.ts';
import { FakeClock } from './fake-clock.ts';
import type { Open, SocketListener } from './web-socket.ts';

/** Two ways that do what the test says, and what was heard over them. */
function world(streamsLoad = true) {
  const clock = new FakeClock();
  const opened: { readonly way: string; readonly listener: SocketListener }[] = [];
  const heard: string[] = [];
  const way =
    (name: string): Open =>
    (_url, listener) => {
      opened.push({ way: name, listener });
      return {
        send: (text) => heard.push(`${name} sends ${text}`),
        close: () => heard.push(`${name} closes`),
      };
    };
  const open = openAnyWay({
    webSocket: way('webSocket'),
    streams: () => (streamsLoad ? Promise.resolve(way('streams')) : Promise.reject(new Error())),
    after: (ms, then) => clock.after(ms, then),
  });
  const socket = open('ws://x', {
    opened: () => heard.push('opened'),
    message: (text) => heard.push(text),
    closed: (code) => heard.push(`closed ${code}`),
  });
  const ways = () => opened.map((one) => one.way);
  const listener = () => {
    const last = opened.at(-1);
    if (last === undefined) throw new Error('expected something to be opened');
    return last.listener;
  };
  const turned = async () => {
    for (let n = 0; n < 4; n++) await Promise.resolve();
  };
  return { clock, heard, socket, ways, listener, turned };
}

test('a WebSocket that speaks is all there is', async () => {
  const { clock, heard, socket, ways, listener, turned } = world();
  listener().opened();
  listener().message('hello');
  socket.send('a');
  clock.advance(10 * SPEAK_MS);
  listener().closed(1006, '');
  await turned();
  expect(heard).toEqual(['opened', 'hello', 'webSocket sends a', 'closed 1006']);
  expect(ways()).toEqual(['webSocket']);
  expect(clock.pending).toBe(0);
});

test('F24: a WebSocket that is refused gives way to streams at once', async () => {
  const { clock, heard, socket, ways, listener, turned } = world();
  listener().closed(1006, '');
  await turned();
  expect(ways()).toEqual(['webSocket', 'streams']);
  listener().opened();
  socket.send('a');
  socket.close();
  expect(heard).toEqual(['opened', 'streams sends a', 'streams closes']);
  expect(clock.pending).toBe(0);
});

test('F24: one that says nothing gives way in time for an answer within 10 s', async () => {
  const { clock, heard, ways, turned } = world();
  clock.advance(SPEAK_MS - 1);
  expect(ways()).toEqual(['webSocket']);
  clock.advance(1);
  await turned();
  expect(ways()).toEqual(['webSocket', 'streams']);
  expect(heard).toEqual(['webSocket closes']);
  expect(SPEAK_MS).toBeLessThan(CONNECT_MS / 2);
});

test("the server's own refusal is believed, whatever the way", async () => {
  const { clock, heard, ways, listener, turned } = world();
  listener().closed(4012, 'too_many_connections retryMs=10000');
  await turned();
  expect([heard, ways()]).toEqual([['closed 4012'], ['webSocket']]);
  expect(clock.pending).toBe(0);
});

test('a connection closed meanwhile opens nothing, and one without a way is lost', async () => {
  const closed = world();
  closed.listener().closed(1006, '');
  closed.socket.close();
  await closed.turned();
  expect(closed.ways()).toEqual(['webSocket']);
  const none = world(false);
  none.listener().closed(1006, '');
  await none.turned();
  expect(none.heard).toEqual(['closed 1006']);
});

test('where a WebSocket may not even be made, no timer is left of the attempt', () => {
  const clock = new FakeClock();
  const open = openAnyWay({
    webSocket: () => {
      throw new SyntaxError('not here');
    },
    streams: () => Promise.reject(new Error('not asked for')),
    after: (ms, then) => clock.after(ms, then),
  });
  const listener = { opened: () => {}, message: () => {}, closed: () => {} };
  expect(() => open('ws://x', listener)).toThrow('not here');
  expect(clock.pending).toBe(0);
});
