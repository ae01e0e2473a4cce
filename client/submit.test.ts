import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseClientMessage } from '../protocol/client-message.ts';
import { CLOSE } from '../protocol/close.ts';
import { BOUNDS, type ClientMessage, type Submit } from '../protocol/message.ts';
import type { Json } from '../protocol/update.ts';
import type { FakeServer } from './fake-server.ts';
import { fakeWorld } from './fake-world.ts';
import { RefusedError } from './refused-error.ts';
import { submit } from './submit.ts';
import { excess, submitMessage } from './submit-message.ts';

/** The messages that the client sent in on its last connection. */
const submitted = (server: FakeServer) =>
  (server.heard() as ClientMessage[]).filter(({ type }) => type === 'submit') as Submit[];

const unavailable = { code: 'unavailable', message: 'no broker', retryMs: 900 } as const;

test('C8: a message is sent again under its own id until it is answered', async () => {
  const { client, server, clock } = fakeWorld();
  server.answering = false;
  const submission = submit(client, 'example', { value: 'hello' });
  clock.advance(10);
  server.cut();
  clock.advance(1_000);
  expect(submitted(server)).toEqual([
    { type: 'submit', id: submission.id, topic: 'example', value: { value: 'hello' } },
  ]);
  server.answering = true;
  server.cut();
  clock.advance(2_000);
  expect(submitted(server).map(({ id }) => id)).toEqual([submission.id]);
  await expect(submission.accepted).resolves.toBeUndefined();
  await expect(submission.archived).resolves.toBe(server.time);
  server.cut();
  clock.advance(5_000);
  expect(submitted(server)).toEqual([]);
});

test('a refusal for good rejects both promises, with its code', async () => {
  const { client, server, clock } = fakeWorld();
  server.refusal = { code: 'invalid_value', message: 'no text' };
  const { accepted, archived } = submit(client, 'example', 1);
  clock.advance(10);
  await expect(accepted).rejects.toMatchObject({ code: 'invalid_value', message: 'no text' });
  await expect(archived).rejects.toBeInstanceOf(RefusedError);
  expect(client.connection).toBe('open');
});

test('C8: a refusal that asks for another try gets it under the same id, not before its time', async () => {
  const { client, server, clock } = fakeWorld();
  server.refusal = unavailable;
  const { id, archived } = submit(client, 'example', 1);
  clock.advance(890);
  expect(submitted(server)).toHaveLength(1);
  clock.advance(900);
  expect(submitted(server).map((message) => message.id)).toEqual([id, id]);
  server.refusal = null;
  clock.advance(1_000);
  expect(submitted(server).map((message) => message.id)).toEqual([id, id, id]);
  await expect(archived).resolves.toBe(server.time);
  clock.advance(20_000);
  expect(submitted(server)).toHaveLength(3);
});

test('10 s after the call the refusal stands, with the words of the server', async () => {
  const { client, server, clock } = fakeWorld();
  server.refusal = unavailable;
  const { archived } = submit(client, 'example', 1);
  let over = false;
  archived.catch(() => {
    over = true;
  });
  clock.advance(9_999);
  await Promise.resolve();
  expect(over).toBe(false);
  clock.advance(1);
  await expect(archived).rejects.toMatchObject(unavailable);
  const tries = submitted(server).length;
  clock.advance(20_000);
  expect(submitted(server)).toHaveLength(tries);
});

test('what is first refused after its 10 s is not tried again', async () => {
  const { client, server, clock } = fakeWorld();
  server.answering = false;
  const { id, accepted } = submit(client, 'example', 1);
  clock.advance(10_500);
  server.say({ type: 'error', id, ...unavailable });
  clock.advance(10);
  await expect(accepted).rejects.toMatchObject(unavailable);
});

test('C11: any number of messages keep to the rate, beside subscriptions and over losses', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        perSecond: fc.integer({ min: 2, max: 60 }),
        burst: fc.integer({ min: 2, max: 60 }),
        calls: fc.integer({ min: 1, max: 150 }),
        cuts: fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 3 }),
      }),
      async ({ perSecond, burst, calls, cuts }) => {
        const { client, server, clock } = fakeWorld();
        server.limits = { ...server.limits, messagesPerSecond: perSecond, messageBurst: burst };
        const top = client.subscribe('top');
        const all = Array.from({ length: calls }, (_, n) => submit(client, 'example', n));
        let losses = 0;
        for (const ms of cuts) {
          clock.advance(ms);
          if (server.connections.at(-1)?.open) losses += 1;
          server.cut();
        }
        for (let ms = 0; ms < 5_000 + (calls * 2_000) / perSecond; ms += 5_000) {
          clock.advance(5_000);
          server.prove(5_000);
        }
        await Promise.all(all.map(({ archived }) => archived));
        expect(server.connections).toHaveLength(1 + losses);
        expect(top.status.state).toBe('live');
        clock.advance(10);
        client.close();
        expect(clock.pending).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});

test('a burst leaves room: as many subscriptions as messages are asked for at once', () => {
  const { client, server, clock } = fakeWorld();
  clock.advance(10);
  for (let n = 0; n < 100; n++) submit(client, 'example', n);
  for (let everyMs = 1; everyMs <= 20; everyMs++) client.subscribe('top', { everyMs });
  clock.advance(10_000);
  expect(server.connections).toHaveLength(1);
  expect(submitted(server).map(({ value }) => value)).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('messages submitted after the greeting know its limits', async () => {
  const { client, server, clock } = fakeWorld();
  clock.advance(1_000);
  const { archived } = submit(client, 'example', 1);
  clock.advance(10);
  await expect(archived).resolves.toBe(server.time);
});

/** The value inside so many arrays. */
const nested = (levels: number) => {
  let value: Json = 'x';
  for (let n = 0; n < levels; n++) value = [value];
  return value;
};

test.each<[string, string, unknown, { id?: string }, string]>([
  ['an id that is no UUID', 'example', 1, { id: 'nouuid' }, 'id: expected a UUID, got "nouuid"'],
  ['no topic', '', 1, {}, 'topic: expected a text of 1 to 255 characters, got ""'],
  ['no value', 'example', undefined, {}, 'value: expected JSON, got undefined'],
  ['a bigint', 'example', 1n, {}, 'value: expected JSON; '],
  ['too much', 'example', 'é'.repeat(8_190), {}, 'of at most 16384 bytes, got 164'],
  ['too deep', 'example', nested(12), {}, 'value: expected at most 7 levels of nesting'],
  ['a trap', 'example', JSON.parse('{"__proto__":1}'), {}, 'value: expected no key'],
])('C12: %s is refused alone, and goes over no wire', async (_, topic, value, options, words) => {
  const { client, server, clock } = fakeWorld();
  const top = client.subscribe('top');
  const { accepted, archived } = submit(client, topic, value as Json, options);
  clock.advance(10);
  await expect(accepted).rejects.toMatchObject({ code: 'bad_message' });
  await expect(archived).rejects.toThrow(words);
  const well = submit(client, 'example', 1);
  clock.advance(10);
  await expect(well.archived).resolves.toBe(server.time);
  expect(submitted(server).map(({ id }) => id)).toEqual([well.id]);
  expect([client.connection, top.status.state]).toEqual(['open', 'live']);
});

test('C12: exactly what servers take is sent', () => {
  const ids = fc.oneof(
    fc.uuid(),
    fc.constantFrom('0', 'f').map((one) => uuidOf(one)),
    fc.string(),
  );
  const topics = fc.oneof(fc.string(), fc.constantFrom('é'.repeat(255), 'x'.repeat(256)));
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 10 }).map((value) => value as Json),
    fc.integer({ min: 0, max: 10 }).map(nested),
    fc.constantFrom('x'.repeat(16_200), 'é'.repeat(8_150), JSON.parse('[{"__proto__":1}]')),
    fc.integer({ min: 16_200, max: 16_384 }).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(ids, topics, values, (id, topic, value) => {
      const message = submitMessage(id, topic, value);
      const taken = !(message instanceof RefusedError) && excess(message, BOUNDS) === null;
      expect(taken).toBe(serverTakes({ type: 'submit', id, topic, value }));
    }),
  );
});

const uuidOf = (digit: string) => [8, 4, 4, 4, 12].map((length) => digit.repeat(length)).join('-');

/** As the server reads a message: its bytes are counted before it is parsed. */
function serverTakes(message: unknown): boolean {
  const text = JSON.stringify(message);
  if (Buffer.byteLength(text) > BOUNDS.messageBytes) return false;
  try {
    parseClientMessage(text);
    return true;
  } catch {
    return false;
  }
}

test('a value changed after the call is sent as it was', () => {
  const { client, server, clock } = fakeWorld();
  const value = { value: 'first' };
  submit(client, 'example', value);
  value.value = 'second';
  clock.advance(10);
  expect(submitted(server)).toMatchObject([{ value: { value: 'first' } }]);
});

test('an id on its way means one message: the same again is that one, another is refused', async () => {
  const { client, server, clock } = fakeWorld();
  const first = submit(client, 'example', 1);
  expect(submit(client, 'example', 1, { id: first.id })).toBe(first);
  const other = submit(client, 'example', 2, { id: first.id });
  await expect(other.accepted).rejects.toMatchObject({ code: 'id_in_use' });
  clock.advance(10);
  await expect(first.archived).resolves.toBe(server.time);
});

test('a server that closes for its rate all the same is come back to', async () => {
  const { client, server, clock } = fakeWorld();
  server.answering = false;
  const { archived } = submit(client, 'example', 1);
  clock.advance(10);
  server.answering = true;
  server.cut(CLOSE.rate);
  clock.advance(6_000);
  await expect(archived).resolves.toBe(server.time);
});
