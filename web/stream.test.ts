import { expect, test } from 'vitest';
import { CONNECT_DEADLINE_MS, type Connection, type StreamState, ViewStream } from './stream.ts';
import type { StreamMessage } from './stream-message.ts';

/** A world in which the test opens, cuts and lets time pass. */
class World {
  readonly connections: { readonly connection: Connection; closed: boolean }[] = [];
  readonly batches: StreamMessage[] = [];
  readonly states: StreamState[] = [];
  readonly timers = new Set<{ readonly ms: number; readonly then: () => void }>();
  refuses: (message: StreamMessage) => boolean = () => false;

  start(): ViewStream {
    return new ViewStream(
      {
        batch: (message) => {
          if (this.refuses(message)) throw new Error('does not fit');
          this.batches.push(message);
        },
        state: (state) => this.states.push(state),
      },
      {
        open: (connection) => {
          const opened = { connection, closed: false };
          this.connections.push(opened);
          return () => {
            opened.closed = true;
          };
        },
        random: () => 0,
        after: (ms, then) => {
          const timer = { ms, then };
          this.timers.add(timer);
          return () => this.timers.delete(timer);
        },
      },
    );
  }

  get current(): Connection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('expected a connection, none was opened');
    return last.connection;
  }

  send(timestamp: number): void {
    this.current.message(`{"deleted":[],"inserted":[[${timestamp}]],"timestamp":${timestamp}}`);
  }

  /** Lets the one timer that is set come due. */
  pass(): number {
    const [timer, ...more] = this.timers;
    if (timer === undefined || more.length > 0) throw new Error(`expected one timer`);
    this.timers.delete(timer);
    timer.then();
    return timer.ms;
  }
}

test('only the first message of a connection is a snapshot', () => {
  const world = new World();
  world.start();
  world.send(1);
  world.send(2);
  expect(world.batches.map(({ snapshot }) => snapshot)).toEqual([true, false]);
  expect(world.states).toEqual(['live']);
  expect(world.timers.size).toBe(0);
});

test('a stream that was cut connects again and says so until the next snapshot', () => {
  const world = new World();
  world.start();
  world.send(1);
  world.current.closed();
  expect(world.states).toEqual(['live', 'reconnecting']);
  expect(world.pass()).toBe(500);
  expect(world.states).toEqual(['live', 'reconnecting']);
  world.send(5);
  expect(world.states).toEqual(['live', 'reconnecting', 'live']);
  expect(world.batches.map(({ snapshot }) => snapshot)).toEqual([true, true]);
});

test('before the first snapshot a failure is still connecting', () => {
  const world = new World();
  world.start();
  world.current.closed();
  world.pass();
  world.current.closed();
  expect(world.states).toEqual([]);
  world.pass();
  world.send(1);
  expect(world.states).toEqual(['live']);
});

test('a connection that stays silent is given up', () => {
  const world = new World();
  world.start();
  expect(world.pass()).toBe(CONNECT_DEADLINE_MS);
  expect(world.connections[0]?.closed).toBe(true);
  world.pass();
  expect(world.connections).toHaveLength(2);
});

test('wake ends a wait and nothing else', () => {
  const world = new World();
  const stream = world.start();
  stream.wake();
  expect(world.connections).toHaveLength(1);
  world.current.closed();
  stream.wake();
  expect(world.connections).toHaveLength(2);
  world.send(1);
  stream.wake();
  expect(world.connections).toHaveLength(2);
  expect(world.timers.size).toBe(0);
});

test('a restart asks for a new snapshot at once', () => {
  const world = new World();
  const stream = world.start();
  world.send(1);
  stream.restart();
  expect(world.connections.map(({ closed }) => closed)).toEqual([true, false]);
  world.send(2);
  expect(world.batches.at(-1)?.snapshot).toBe(true);
});

test('what a connection tells after it was given up is not heard', () => {
  const world = new World();
  const stream = world.start();
  const old = world.current;
  world.send(1);
  stream.restart();
  old.message('{"deleted":[],"inserted":[],"timestamp":9}');
  old.closed();
  expect(world.batches).toHaveLength(1);
  expect(world.connections).toHaveLength(2);
});

test.each(['no JSON', '{}'])('%s loses the connection, and the next heals it', (text) => {
  const world = new World();
  world.start();
  world.send(1);
  world.current.message(text);
  expect(world.connections[0]?.closed).toBe(true);
  world.pass();
  world.send(2);
  expect(world.states).toEqual(['live', 'reconnecting', 'live']);
});

test('a batch that does not fit is healed by a new snapshot, and is no hot loop', () => {
  const world = new World();
  world.refuses = ({ timestamp }) => timestamp === 2;
  world.start();
  world.send(1);
  world.send(2);
  expect(world.states).toEqual(['live', 'reconnecting']);
  expect(world.pass()).toBeGreaterThanOrEqual(500);
  world.send(3);
  expect(world.batches.map(({ timestamp }) => timestamp)).toEqual([1, 3]);
});

test('a closed stream is silent and keeps nothing', () => {
  const world = new World();
  const stream = world.start();
  world.send(1);
  stream.close();
  world.send(2);
  world.current.closed();
  expect(world.batches).toHaveLength(1);
  expect(world.timers.size).toBe(0);
  expect(world.connections[0]?.closed).toBe(true);
});
