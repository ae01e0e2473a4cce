import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import type { Clock } from '../clock.ts';
import { ManualClock, settle } from '../upstream/manual-clock.ts';
import type { Verdict } from './authorizer.ts';
import { AUTH_DEADLINE_MS, ConnectionAuth } from './connection-auth.ts';
import { LEEWAY_MS } from './expiry.ts';
import { type Grant, openGrant } from './grant.ts';
import { HELD_BYTES } from './held.ts';

/** A verifier that answers when the test says so. */
class SlowVerifier {
  readonly pending: { readonly token: string; readonly judge: (verdict: Verdict) => void }[] = [];

  verify(token: string): Promise<Verdict> {
    return new Promise((judge) => {
      this.pending.push({ token, judge });
    });
  }

  async answer(verdict: Verdict): Promise<void> {
    this.pending.shift()?.judge(verdict);
    await settle();
  }
}

class Port {
  readonly said: string[] = [];
  closed: CloseCode | null = null;

  authorized(_grant: Grant, expiresInMs: number | null): void {
    this.said.push(`authorized ${expiresInMs}`);
  }

  unavailable(_message: string, retryMs: number): void {
    this.said.push(`unavailable ${retryMs}`);
  }

  refused(message: string): void {
    expect(this.closed).toBe(null);
    this.said.push(`refused ${message}`);
  }

  verdict(): void {}

  close(reason: CloseCode): void {
    expect(this.closed).toBe(null);
    this.closed = reason;
  }
}

const start = (random = () => 0) => {
  const clock = new ManualClock();
  const verifier = new SlowVerifier();
  const port = new Port();
  const auth = new ConnectionAuth({ verifier, clock, random }, port);
  return { clock, verifier, port, auth };
};

const grantFor = (clock: ManualClock, ms: number | null): Verdict => ({
  kind: 'granted',
  grant: { ...openGrant, expiresAtMs: ms === null ? null : clock.now() + ms },
});
const refused: Verdict = { kind: 'refused', reason: 'expired', message: 'too old' };
const unavailable: Verdict = { kind: 'unavailable', message: 'later', cause: null };

test('where tokens are off everything is allowed, and a token is only acknowledged', () => {
  const clock = new ManualClock();
  const port = new Port();
  const auth = new ConnectionAuth({ verifier: null, clock, random: () => 0 }, port);
  expect(auth.grant).toBe(openGrant);
  auth.present('anything');
  expect(port.said).toEqual(['authorized null']);
  expect(clock.waiting).toBe(0);
});

test('no token within 5 s: 4004', async () => {
  const { clock, port, auth } = start();
  await clock.pass(AUTH_DEADLINE_MS - 1);
  expect(port.closed).toBe(null);
  await clock.pass(1);
  expect(port.closed).toBe(CLOSE.authTimeout);
  expect(auth.grant).toBe(null);
});

test('a token that takes longer than 5 s to verify: 4004, and its verdict changes nothing', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('t');
  await clock.pass(AUTH_DEADLINE_MS);
  expect(port.closed).toBe(CLOSE.authTimeout);
  await verifier.answer(grantFor(clock, null));
  expect([auth.grant, port.said]).toEqual([null, []]);
});

test('messages before a token are refused, behind one they wait and keep their order', async () => {
  const { clock, auth, verifier } = start();
  const ran: number[] = [];
  expect(auth.pass(10, () => ran.push(0))).toBe('refused');
  auth.present('t');
  for (const at of [1, 2, 3]) expect(auth.pass(10, () => ran.push(at))).toBe('held');
  expect(ran).toEqual([]);
  await verifier.answer(grantFor(clock, null));
  expect(auth.pass(10, () => ran.push(4))).toBe('ran');
  expect(ran).toEqual([1, 2, 3, 4]);
});

test('what waits is bounded: 4029, and nothing of it runs', async () => {
  const { clock, auth, port, verifier } = start();
  const ran: number[] = [];
  auth.present('t');
  expect(auth.pass(HELD_BYTES, () => ran.push(1))).toBe('held');
  auth.pass(1, () => ran.push(2));
  expect(port.closed).toBe(CLOSE.rate);
  await verifier.answer(grantFor(clock, null));
  expect(ran).toEqual([]);
});

test('a refused token: why, and 4003, before and after a grant', async () => {
  const one = start();
  one.auth.present('bad');
  await one.verifier.answer(refused);
  expect(one.port.closed).toBe(CLOSE.authExpired);
  expect(one.port.said).toEqual(['refused too old']);
  const two = start();
  two.auth.present('good');
  await two.verifier.answer(grantFor(two.clock, 60_000));
  two.auth.present('bad');
  await two.verifier.answer(refused);
  expect(two.port.closed).toBe(CLOSE.authExpired);
  expect(two.auth.grant).toBe(null);
});

test('keys that cannot be had: come back later, or keep what holds', async () => {
  const one = start(() => 0.5);
  one.auth.present('t');
  await one.verifier.answer(unavailable);
  expect(one.port.closed).toEqual({ ...CLOSE.overloaded, retryMs: 3_000 });
  const two = start(() => 0.5);
  two.auth.present('t');
  await two.verifier.answer(grantFor(two.clock, 60_000));
  const { grant } = two.auth;
  two.auth.present('u');
  await two.verifier.answer(unavailable);
  expect(two.port.said).toEqual(['authorized 60000', 'unavailable 3000']);
  expect(two.auth.grant).toBe(grant);
});

test('F15: a token that expires mid-stream ends the connection within 25 s, no data after', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('t');
  await verifier.answer(grantFor(clock, 60_000));
  await clock.pass(60_000 + LEEWAY_MS - 1);
  expect(auth.grant).not.toBe(null);
  await clock.pass(1);
  expect(port.closed).toBe(CLOSE.authExpired);
  expect(auth.grant).toBe(null);
  expect(LEEWAY_MS).toBeLessThan(25_000);
});

test('F15: a wall clock that jumps over the expiry is noticed within 25 s', async () => {
  const timers = new ManualClock();
  let jumpedMs = 0;
  const clock: Clock = {
    now: () => timers.now() + jumpedMs,
    after: (ms, run) => timers.after(ms, run),
  };
  const verifier = new SlowVerifier();
  const port = new Port();
  const auth = new ConnectionAuth({ verifier, clock, random: () => 0 }, port);
  auth.present('t');
  await verifier.answer(grantFor(timers, 3_600_000));
  jumpedMs = 3_600_000;
  await timers.pass(25_000);
  expect(port.closed).toBe(CLOSE.authExpired);
});

test('F15: refreshed in band the connection goes on, until the fresh token ends', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('t');
  await verifier.answer(grantFor(clock, 60_000));
  for (let round = 0; round < 5; round++) {
    await clock.pass(50_000);
    auth.present('fresh');
    expect(auth.grant).not.toBe(null);
    await verifier.answer(grantFor(clock, 60_000));
  }
  expect(port.closed).toBe(null);
  await clock.pass(60_000 + LEEWAY_MS);
  expect(port.closed).toBe(CLOSE.authExpired);
  expect(clock.waiting).toBe(0);
});

test('F15: a wake with a stale token is refused at once', async () => {
  const { port, auth, verifier } = start();
  auth.present('stale');
  await verifier.answer(refused);
  expect(port.closed).toBe(CLOSE.authExpired);
});

test('a token without an end never ends', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('t');
  await verifier.answer(grantFor(clock, null));
  await clock.pass(1_000_000_000);
  expect([port.closed, clock.waiting]).toEqual([null, 0]);
});

test('a token valid for a thousand years does not overflow a timer', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('t');
  await verifier.answer(grantFor(clock, 1_000 * 365 * 86_400_000));
  await clock.pass(60_000);
  expect(port.closed).toBe(null);
  expect(clock.waiting).toBe(1);
});

test('of several tokens at once the newest counts', async () => {
  const { clock, port, auth, verifier } = start();
  auth.present('bad');
  auth.present('good');
  await verifier.answer(refused);
  expect(port.closed).toBe(null);
  await verifier.answer(grantFor(clock, null));
  expect(port.said).toEqual(['authorized null']);
});

const step = fc.constantFrom(
  'token',
  'grant',
  'refuse',
  'fail',
  'message',
  'second',
  'minute',
  'gone',
);

test('F16: whatever happens in whatever order, an end leaves nothing behind', async () => {
  const run = async (steps: readonly string[]): Promise<void> => {
    const { clock, port, auth, verifier } = start();
    let over = false;
    const acts: Readonly<Record<string, () => unknown>> = {
      token: () => auth.present('t'),
      grant: () => verifier.answer(grantFor(clock, 30_000)),
      refuse: () => verifier.answer(refused),
      fail: () => verifier.answer(unavailable),
      message: () => auth.pass(1_000, () => expect(over || port.closed !== null).toBe(false)),
      second: () => clock.pass(1_000),
      minute: () => clock.pass(60_000),
      gone: () => {
        over = true;
        auth.stop();
      },
    };
    for (const one of steps) {
      const said = port.said.length;
      const closed = port.closed;
      const before = over;
      await acts[one]?.();
      if (before) expect([port.said.length, port.closed]).toEqual([said, closed]);
      if (over || port.closed !== null) {
        expect([auth.grant, clock.waiting]).toEqual([null, 0]);
      }
    }
    auth.stop();
    while (verifier.pending.length > 0) await verifier.answer(grantFor(clock, 30_000));
    expect([auth.grant, clock.waiting]).toEqual([null, 0]);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), run), { numRuns: 500 });
});

test('F16: 10,000 connections that end at any moment of their verification leave nothing', async () => {
  const clock = new ManualClock();
  const verifier = new SlowVerifier();
  const ports: Port[] = [];
  for (let made = 0; made < 10_000; made++) {
    const port = new Port();
    ports.push(port);
    const auth = new ConnectionAuth({ verifier, clock, random: () => 0 }, port);
    if (made % 4 > 0) auth.present('t');
    if (made % 4 > 1) auth.pass(100, () => expect.unreachable());
    if (made % 4 === 3) queueMicrotask(() => auth.stop());
    else auth.stop();
  }
  await settle();
  expect(clock.waiting).toBe(0);
  for (const { judge } of verifier.pending.splice(0)) judge(grantFor(clock, 30_000));
  await settle();
  expect(clock.waiting).toBe(0);
  expect(ports.every(({ said, closed }) => said.length === 0 && closed === null)).toBe(true);
});
