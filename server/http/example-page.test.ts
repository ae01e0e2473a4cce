import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reply } from '../reply.ts';
import { exampleFormRoute, exampleRoute } from './example-page.ts';
import { anybody, FakeIntake, requestOf } from './fake-intake.ts';

const ID = '7c443d1d-0000-4000-8000-00000000000a';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function stand() {
  const intake = new FakeIntake();
  const parts = {
    intake,
    items: () => [],
    whenListed: (_frontier: unknown, run: () => void) => run(),
    addressOf: () => '127.0.0.1',
    random: () => 0.5,
  };
  const form = exampleFormRoute(parts);
  const page = exampleRoute(parts);
  return {
    intake,
    send: async (fields: Readonly<Record<string, string>>, headers = FORM): Promise<Reply> => {
      const body = Buffer.from(new URLSearchParams(fields).toString());
      expect(body.length).toBeLessThanOrEqual(form.mostBytes);
      return form.answer(requestOf('POST', '/example/', headers), body, anybody);
    },
    open: async (address: string): Promise<Reply> => {
      const reply = await page(requestOf('GET', address), anybody);
      if (reply === null) throw new Error(`nothing at ${address}`);
      return reply;
    },
  };
}

test('what nobody accepts within 5 s is not said to be accepted: the text and its id stay in the form', async () => {
  const { send } = stand();
  let reply: Reply | null = null;
  const sending = send({ value: 'frozen', id: ID }).then((answered) => {
    reply = answered;
    return answered;
  });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(reply).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  const { status, headers, body } = await sending;
  expect(status).toBe(503);
  expect(headers['Retry-After']).toBe('1');
  expect(headers.Refresh).toBeUndefined();
  expect(body).toMatch(new RegExp(`not sent: .*value="${ID}".*value="frozen"`, 's'));
});

test('a call that was invented stays the same when it is sent again', async () => {
  const { intake, send } = stand();
  const sending = send({ value: '', id: ID });
  await vi.advanceTimersByTimeAsync(5_000);
  const { body } = await sending;
  expect(body).toContain(`value="${Object(intake.submitted[0]?.value).value}"`);
});

test('an accepted message is waited for at an address that looks for it, not for ever', async () => {
  const { intake, send, open } = stand();
  intake.answer = ({ accepted }) => accepted();
  const sending = send({ value: 'a', id: ID });
  await vi.advanceTimersByTimeAsync(5_000);
  const { status, headers, body } = await sending;
  expect(status).toBe(202);
  expect(body).toContain('Accepted, not archived yet');
  const next = (given: string | undefined) => /url=(.*)$/.exec(given ?? '')?.[1];
  let address = next(headers.Refresh);
  expect(address).toContain(ID);
  let looks = 0;
  // Another server is asked, which never comes to know of it.
  while (address !== undefined && looks < 1_000) {
    const reply = await open(address);
    expect(reply.status).toBe(404);
    expect(reply.body).toContain(`Nothing is known here of a message ${ID}`);
    address = next(reply.headers.Refresh);
    looks += 1;
  }
  expect(looks).toBe(31);
});

test('of an unknown message nothing is claimed, whatever the address says', async () => {
  const { open } = stand();
  for (const address of [`?message=${ID}`, `?message=${ID}&at=1`, `?message=${ID}&looks=x`]) {
    const { status, body } = await open(`/example/${address}`);
    expect(status).toBe(404);
    expect(body).toContain('Nothing is known here');
    expect(body).not.toMatch(/Accepted|Archived:/);
  }
  expect((await open(`/example/?message=${ID}`)).headers.Refresh).toBeUndefined();
});

test('the page of a message says where it stands', async () => {
  const { intake, open } = stand();
  intake.known = () => {};
  expect((await open(`/example/?message=${ID}`)).body).toContain('not accepted yet');
  intake.known = ({ accepted }) => accepted();
  expect((await open(`/example/?message=${ID}&at=1`)).body).toContain('Accepted, not archived yet');
  intake.known = ({ archived }) => archived(7);
  const moved = await open(`/example/?message=${ID}`);
  expect([moved.status, moved.headers.Location]).toEqual([303, `/example/?message=${ID}&at=7`]);
  expect((await open(`/example/?message=${ID}&at=7`)).body).toContain(`Archived: ${ID}`);
});

test('a text that is far too long stays in the form', async () => {
  const { intake, send } = stand();
  const message = '"value": expected at most 250 characters, got 20000';
  intake.answer = ({ refused }) => refused({ code: 'invalid_value', message });
  const text = '🜁'.repeat(20_000);
  const { status, body } = await send({ value: text });
  expect(status).toBe(422);
  expect(body).toContain(`value="${text}"`);
});

test.each([
  ['application/json', 415],
  ['multipart/form-data; boundary=x', 415],
  ['application/x-www-form-urlencoded; charset=latin1', 415],
  ['', 415],
  ['Application/X-WWW-Form-URLencoded;charset="UTF-8"', 303],
])('a body of the type %j is answered %i', async (type, expected) => {
  const { intake, send } = stand();
  intake.answer = ({ archived }) => archived(7);
  const { status, body } = await send({ value: 'a' }, { 'content-type': type });
  expect(status).toBe(expected);
  expect(intake.submitted).toHaveLength(expected === 303 ? 1 : 0);
  if (expected === 415) expect(body).toContain('application/x-www-form-urlencoded');
});
