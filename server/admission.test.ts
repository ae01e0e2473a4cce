import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../tests/runs.ts';
import { defaultAdmissionLimits, makeAdmission } from './admission.ts';
import type { Gate } from './admission-line.ts';
import { RateGate } from './admission-rate.ts';
import { SlotGate } from './admission-slots.ts';
import { ManualClock } from './upstream/manual-clock.ts';

/** Asks a gate and keeps in order what was answered. */
class Crowd {
  readonly admitted: number[] = [];
  readonly refused: { readonly who: number; readonly retryMs: number }[] = [];
  readonly leaves: (() => void)[] = [];

  ask(gate: Gate, who: number): void {
    this.leaves[who] = gate.enter({
      admitted: () => this.admitted.push(who),
      refused: (retryMs) => this.refused.push({ who, retryMs }),
    });
  }
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
const HOLD_MS = 1_000_000;
const lineOf = (clock: ManualClock, waiting = 5, patienceMs = 1_000, random = () => 0.5) => ({
  clock,
  random,
  waiting,
  patienceMs,
  holdMs: HOLD_MS,
});

test('so many are in, the next ones wait, one more is refused', () => {
  const gate = new SlotGate(2, lineOf(new ManualClock(), 3));
  const crowd = new Crowd();
  for (const who of range(7)) crowd.ask(gate, who);
  expect(crowd.admitted).toEqual([0, 1]);
  expect(crowd.refused.map(({ who }) => who)).toEqual([5, 6]);
  crowd.leaves[1]?.();
  crowd.leaves[1]?.();
  expect(crowd.admitted).toEqual([0, 1, 2]);
  crowd.leaves[3]?.();
  crowd.leaves[0]?.();
  expect(crowd.admitted).toEqual([0, 1, 2, 4]);
  expect([gate.inside, gate.waiting]).toEqual([2, 0]);
});

test('F27: a shut gate refuses who comes and who waits, keeps who is in, and opens again', () => {
  const gate = new SlotGate(1, lineOf(new ManualClock()));
  const crowd = new Crowd();
  for (const who of range(3)) crowd.ask(gate, who);
  gate.shut(true);
  expect(crowd.refused.map(({ who }) => who)).toEqual([1, 2]);
  crowd.ask(gate, 3);
  crowd.leaves[0]?.();
  crowd.ask(gate, 4);
  expect(crowd.refused.map(({ who }) => who)).toEqual([1, 2, 3, 4]);
  expect([gate.inside, gate.waiting]).toEqual([0, 0]);
  gate.shut(false);
  crowd.ask(gate, 5);
  expect(crowd.admitted).toEqual([0, 5]);
  crowd.leaves[3]?.();
  expect(gate.inside).toBe(1);
});

test('who waits too long is refused, those behind not before their own time', async () => {
  const clock = new ManualClock();
  const gate = new SlotGate(1, lineOf(clock));
  const crowd = new Crowd();
  crowd.ask(gate, 0);
  crowd.ask(gate, 1);
  await clock.pass(400);
  crowd.ask(gate, 2);
  await clock.pass(600);
  expect(crowd.refused.map(({ who }) => who)).toEqual([1]);
  crowd.leaves[0]?.();
  expect(crowd.admitted).toEqual([0, 2]);
  await clock.pass(10_000);
  expect(crowd.refused).toHaveLength(1);
  crowd.leaves[2]?.();
  expect(clock.waiting).toBe(0);
});

test('a place is not held for ever, and leaving it late frees nobody else', async () => {
  const clock = new ManualClock();
  const gate = new SlotGate(1, lineOf(clock, 5, 2 * HOLD_MS));
  const crowd = new Crowd();
  for (const who of range(3)) crowd.ask(gate, who);
  await clock.pass(HOLD_MS);
  expect(crowd.admitted).toEqual([0, 1]);
  crowd.leaves[0]?.();
  expect([gate.inside, gate.waiting]).toEqual([1, 1]);
  crowd.leaves[1]?.();
  expect(crowd.admitted).toEqual([0, 1, 2]);
});

test('a refusal says to stay away for 1 to 10 s, evenly', () => {
  let at = 0;
  const gate = new SlotGate(
    0,
    lineOf(new ManualClock(), 0, 0, () => at++ / 1_000),
  );
  const crowd = new Crowd();
  for (const who of range(1_000)) crowd.ask(gate, who);
  const waits = crowd.refused.map(({ retryMs }) => retryMs);
  expect(waits).toHaveLength(1_000);
  expect(Math.min(...waits)).toBe(1_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
  for (let second = 1; second < 10; second++) {
    const within = waits.filter((ms) => ms >= second * 1_000 && ms < (second + 1) * 1_000);
    expect(within.length).toBeGreaterThan(100);
    expect(within.length).toBeLessThan(123);
  }
});

const act = fc.oneof(
  fc.constant({ kind: 'ask' as const, at: 0 }),
  fc.record({ kind: fc.constant('leave' as const), at: fc.nat(60) }),
  fc.record({ kind: fc.constant('pass' as const), at: fc.nat(400) }),
);

test('whoever comes, leaves and waits: never more than the slots, first come first served', async () => {
  const run = async (acts: readonly { kind: string; at: number }[]): Promise<void> => {
    const clock = new ManualClock();
    const gate = new SlotGate(3, lineOf(clock));
    const crowd = new Crowd();
    const left = new Set<number>();
    const inside = () => crowd.admitted.filter((who) => !left.has(who)).length;
    for (const { kind, at } of acts) {
      if (kind === 'ask') crowd.ask(gate, crowd.leaves.length);
      if (kind === 'pass') await clock.pass(at);
      if (kind === 'leave' && at < crowd.leaves.length) {
        left.add(at);
        crowd.leaves[at]?.();
      }
      expect(gate.inside).toBe(inside());
      expect(gate.inside).toBeLessThanOrEqual(3);
      expect(gate.waiting === 0 || gate.inside === 3).toBe(true);
      expect(crowd.admitted).toEqual([...crowd.admitted].sort((a, b) => a - b));
    }
    for (const leave of crowd.leaves) leave();
    expect([gate.inside, gate.waiting, clock.waiting]).toEqual([0, 0, 0]);
    const answered = new Set([...crowd.admitted, ...crowd.refused.map(({ who }) => who)]);
    expect(answered.size).toBe(crowd.admitted.length + crowd.refused.length);
  };
  await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), run), {
    numRuns: runs(300),
  });
});

test('leaving from within being let in keeps the count', () => {
  const gate = new SlotGate(1, lineOf(new ManualClock(), 1_000));
  const order: number[] = [];
  const first = gate.enter({ admitted: () => {}, refused: () => expect.unreachable() });
  for (const who of range(500)) {
    const leave = gate.enter({
      admitted: () => {
        order.push(who);
        leave();
      },
      refused: () => expect.unreachable(),
    });
  }
  first();
  expect(order).toEqual(range(500));
  expect([gate.inside, gate.waiting]).toEqual([0, 0]);
});

test('F8: 10,000 viewers that come in one moment pass at 2,000 a second, within 5 s, in order', async () => {
  const clock = new ManualClock();
  const refusals: string[] = [];
  const { handshakes } = makeAdmission({
    clock,
    random: () => 0.5,
    limits: defaultAdmissionLimits,
    refused: (gate) => refusals.push(gate),
  });
  const crowd = new Crowd();
  for (const who of range(10_000)) crowd.ask(handshakes, who);
  expect(crowd.admitted.length).toBe(1_000);
  for (let second = 1; second <= 5; second++) {
    await clock.pass(1_000);
    expect(crowd.admitted.length).toBeLessThanOrEqual(1_000 + second * 2_000);
    expect(crowd.admitted.length).toBeGreaterThanOrEqual(Math.min(10_000, second * 2_000));
  }
  expect(crowd.admitted).toEqual(range(10_000));
  expect(refusals).toEqual([]);
  expect(clock.waiting).toBe(0);
});

test('F8: 30,000 at once: each is let in or told when to come back', async () => {
  const clock = new ManualClock();
  let refusals = 0;
  const { handshakes } = makeAdmission({
    clock,
    random: Math.random,
    limits: defaultAdmissionLimits,
    refused: () => {
      refusals += 1;
    },
  });
  const crowd = new Crowd();
  for (const who of range(30_000)) crowd.ask(handshakes, who);
  await clock.pass(defaultAdmissionLimits.patienceMs);
  expect(crowd.admitted.length + crowd.refused.length).toBe(30_000);
  expect(crowd.refused.length).toBe(refusals);
  expect(crowd.admitted).toEqual(range(11_000));
  expect(crowd.refused.every(({ retryMs }) => retryMs >= 1_000 && retryMs <= 10_000)).toBe(true);
});

test('a rate gate that nobody waits at keeps no timer, and one who withdrew is not let in', async () => {
  const clock = new ManualClock();
  const gate = new RateGate(2, lineOf(clock, 10, 60_000));
  const crowd = new Crowd();
  for (const who of range(4)) crowd.ask(gate, who);
  expect(crowd.admitted).toEqual([0]);
  crowd.leaves[1]?.();
  await clock.pass(500);
  expect(crowd.admitted).toEqual([0, 2]);
  await clock.pass(500);
  expect(crowd.admitted).toEqual([0, 2, 3]);
  expect(clock.waiting).toBe(0);
});

test('a wall clock set back or forward neither closes nor opens a rate gate', async () => {
  const timers = new ManualClock();
  let jumpedMs = 0;
  const clock = {
    now: () => timers.now() + jumpedMs,
    after: (ms: number, run: () => void) => timers.after(ms, run),
  };
  const gate = new RateGate(100, { clock, random: () => 0, waiting: 1_000, patienceMs: 60_000 });
  const crowd = new Crowd();
  for (const who of range(300)) crowd.ask(gate, who);
  jumpedMs = -3_600_000;
  await timers.pass(1_000);
  expect(crowd.admitted.length).toBeGreaterThan(140);
  expect(crowd.admitted.length).toBeLessThanOrEqual(150);
  jumpedMs = 3_600_000;
  await timers.pass(100);
  expect(crowd.admitted.length).toBeLessThanOrEqual(150 + 50 + 10);
});
