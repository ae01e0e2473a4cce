import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reply } from '../reply.ts';
import { anybody, FakeIntake, requestOf } from './fake-intake.ts';
import { messageRoute, messagesRoute } from './messages-api.ts';
import { messageStatesSchema } from './rest-schema.ts';

const ID = '7c443d1d-0000-4000-8000-00000000000a';
const JSON_TYPE = { 'content-type': 'application/json' };
const MESSAGE = { id: ID, topic: 'example', value: {} };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function post(
  intake: FakeIntake,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const request = requestOf('POST', '/api/messages', { ...JSON_TYPE, ...headers });
  const route = messagesRoute(intake, () => '127.0.0.1');
  return route.answer(request, Buffer.from(JSON.stringify(body)), anybody);
}

/** The answer to a POST, and after how many milliseconds it came. */
async function timed(intake: FakeIntake, headers: Readonly<Record<string, string>>) {
  const startMs = Date.now();
  const answered = post(intake, MESSAGE, headers).then(({ status, body }) => ({
    status,
    state: bodyOf(body).state,
    ms: Date.now() - startMs,
  }));
  await vi.advanceTimersByTimeAsync(100_000);
  return answered;
}

const bodyOf = (body: Reply['body']) => Object(JSON.parse(String(body)));

test.each([
  [{ prefer: 'wait=3' }, 'nobody', { status: 202, state: 'submitted', ms: 3_000 }],
  [{ prefer: 'wait=0' }, 'nobody', { status: 202, state: 'submitted', ms: 0 }],
  [{ prefer: 'respond-async, wait=3' }, 'accepted', { status: 202, state: 'accepted', ms: 3_000 }],
  [{ prefer: 'wait=3' }, 'archived', { status: 201, state: 'archived', ms: 0 }],
  [{ prefer: 'wait=900' }, 'nobody', { status: 202, state: 'submitted', ms: 60_000 }],
  [{}, 'accepted', { status: 202, state: 'accepted', ms: 0 }],
  [{}, 'archived', { status: 201, state: 'archived', ms: 0 }],
  [{}, 'nobody', { status: 202, state: 'submitted', ms: 10_000 }],
])(
  '%j, %s: the answer keeps the time and says no more than is so',
  async (headers, told, expected) => {
    const intake = new FakeIntake();
    intake.answer = (listener) => {
      if (told !== 'nobody') listener.accepted();
      if (told === 'archived') listener.archived(7);
    };
    const { ms, ...answer } = await timed(intake, Object(headers));
    expect({ ...answer, ms: ms < 5 ? 0 : ms }).toEqual(expected);
  },
);

test('when nobody accepts, the refusal comes before the time that was asked for', async () => {
  const intake = new FakeIntake();
  intake.answer = ({ refused }) =>
    setTimeout(() => refused({ code: 'unavailable', message: 'silence', retryMs: 1_000 }), 5_000);
  expect(await timed(intake, { prefer: 'wait=30' })).toMatchObject({ status: 503, ms: 5_000 });
  expect(await timed(intake, {})).toMatchObject({ status: 503, ms: 5_000 });
});

test('where a message stands is what is known of it now', async () => {
  const intake = new FakeIntake();
  const route = messageRoute(intake);
  const look = async () => route(requestOf('GET', `/api/messages/${ID}`), anybody);
  expect((await look())?.status).toBe(404);
  intake.known = () => {};
  expect(bodyOf((await look())?.body ?? '')).toEqual({
    id: ID,
    topic: 'example',
    state: 'submitted',
  });
});

test.each([
  [Array(101).fill(MESSAGE), /at most 100 messages, got 101/],
  [{ topic: 'example' }, /^value is missing; expected \{topic, value, id\?\}/],
  [{ value: 1 }, /^topic is missing/],
  [{ ...MESSAGE, id: 'x' }, /^id: Invalid UUID/],
  [{ ...MESSAGE, more: 1 }, /"more"/],
  ['text', /expected object/],
  [JSON.parse('{"topic":"example","value":{"__proto__":{}}}'), /no key named __proto__/],
  [{ ...MESSAGE, value: [[[[[[[[1]]]]]]]] }, /at most 8 levels/],
])('%j is refused by a sentence that names the fault', async (body, sentence) => {
  const intake = new FakeIntake();
  const reply = await post(intake, body);
  expect([reply.status, bodyOf(reply.body).error]).toEqual([400, 'bad_request']);
  expect(bodyOf(reply.body).message).toMatch(sentence);
  expect(intake.submitted).toEqual([]);
});

test('what is no message is told so in its place, and the others are taken', async () => {
  const intake = new FakeIntake();
  intake.answer = ({ accepted }) => accepted();
  const reply = await post(intake, [MESSAGE, { topic: 'example' }, 7, MESSAGE]);
  expect(reply.status).toBe(200);
  const { messages } = messageStatesSchema.parse(bodyOf(reply.body));
  expect(messages.map(({ state, error }) => error ?? state)).toEqual([
    ...['accepted', 'bad_request', 'bad_request', 'accepted'],
  ]);
  expect(messages[1]?.message).toContain('value is missing');
  expect(intake.submitted).toHaveLength(2);
});

test.each([
  ['application/json', 202],
  ['Application/JSON; Charset="utf-8"', 202],
  ['application/json; charset=latin1', 415],
  ['application/jsonp', 415],
  ['text/plain', 415],
])('a body of the type %j is answered %i', async (type, status) => {
  const intake = new FakeIntake();
  intake.answer = ({ accepted }) => accepted();
  expect((await post(intake, MESSAGE, { 'content-type': type })).status).toBe(status);
});
