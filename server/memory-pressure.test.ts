import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../tests/runs.ts';
import { memoryLimits, readMemory, shareUsed } from './memory-limit.ts';
import {
  CALM_MS,
  MEMORY_THRESHOLDS,
  type MemoryLevel,
  NO_PRESSURE,
  pressureAfter,
  RISE_MS,
  SAMPLE_MS,
  watchMemory,
} from './memory-pressure.ts';
import { ManualClock } from './upstream/manual-clock.ts';

const levels: readonly MemoryLevel[] = [0, 1, 2, 3];
const enterOf = (level: MemoryLevel): number => (level === 0 ? 0 : MEMORY_THRESHOLDS[level].enter);
const leaveOf = (level: MemoryLevel): number => (level === 0 ? 0 : MEMORY_THRESHOLDS[level].leave);

/** Readings at times that go on; some of them just at a threshold. */
const readings = fc.array(
  fc.record({
    used: fc.oneof(
      fc.double({ min: 0, max: 1.5, noNaN: true }),
      fc.constantFrom(...levels.flatMap((level) => [enterOf(level), leaveOf(level)])),
    ),
    afterMs: fc.oneof(fc.nat(4_000), fc.constantFrom(SAMPLE_MS, RISE_MS, CALM_MS)),
  }),
  { maxLength: 100, size: 'max' },
);

test('F27: whatever is read: one level at a time, each given its time, left only after a calm', () => {
  const run = (all: readonly { used: number; afterMs: number }[]): void => {
    let state = NO_PRESSURE;
    let nowMs = 0;
    let changedMs = Number.NEGATIVE_INFINITY;
    /** When a reading was last at or above what leaves the level held. */
    let pressedMs = 0;
    for (const { used, afterMs } of all) {
      nowMs += afterMs;
      const { level: before } = state;
      state = pressureAfter(state, used, nowMs);
      const { level } = state;
      expect(Math.abs(level - before)).toBeLessThanOrEqual(1);
      if (level > before) {
        expect(used).toBeGreaterThanOrEqual(enterOf(level));
        expect(nowMs - changedMs).toBeGreaterThanOrEqual(RISE_MS);
      } else if (level < before) {
        expect(used).toBeLessThan(leaveOf(before));
        expect(nowMs - pressedMs).toBeGreaterThanOrEqual(CALM_MS);
      }
      if (level !== before) changedMs = nowMs;
      if (level !== before || used >= leaveOf(level)) pressedMs = nowMs;
    }
  };
  fc.assert(fc.property(readings, run), { numRuns: runs(500) });
});

test('from whatever level: a low reading that stays leads to none, a high one to the highest', () => {
  fc.assert(
    fc.property(readings, (all) => {
      let nowMs = 0;
      const settle = (start: typeof NO_PRESSURE, used: number): typeof NO_PRESSURE => {
        let state = start;
        for (let second = 0; second < 40; second++) {
          nowMs += SAMPLE_MS;
          state = pressureAfter(state, used, nowMs);
        }
        return state;
      };
      let state = NO_PRESSURE;
      for (const { used, afterMs } of all) {
        nowMs += afterMs;
        state = pressureAfter(state, used, nowMs);
      }
      expect(settle(state, 0.5).level).toBe(0);
      expect(settle(state, 0.99).level).toBe(3);
    }),
  );
});

test('between its two thresholds a level neither rises nor falls', () => {
  for (const level of [1, 2, 3] as const) {
    const { enter, leave } = MEMORY_THRESHOLDS[level];
    expect(leave).toBeLessThan(enter);
    expect(enter).toBeGreaterThan(enterOf(levels[level - 1] ?? 0));
    expect(leave).toBeGreaterThan(leaveOf(levels[level - 1] ?? 0));
    let state = { level, sinceMs: 0, calmSinceMs: null } as ReturnType<typeof pressureAfter>;
    for (let second = 1; second < 100; second++)
      state = pressureAfter(state, leave, second * 1_000);
    expect(state.level).toBe(level);
  }
});

test('a clock that is set back stops nothing for longer than it would take anew', () => {
  let state = pressureAfter(NO_PRESSURE, 0.99, 1_000_000);
  expect(state.level).toBe(1);
  state = pressureAfter(state, 0.99, 5_000);
  expect(pressureAfter(state, 0.99, 5_000 + RISE_MS).level).toBe(2);
  state = pressureAfter(state, 0.1, 1_000_000);
  state = pressureAfter(state, 0.1, 5_000);
  expect(pressureAfter(state, 0.1, 5_000 + CALM_MS).level).toBe(0);
});

test('memory is read once a second, every change told once, and pressing at the top until it helps', async () => {
  const clock = new ManualClock();
  const told: MemoryLevel[] = [];
  let used = 0.99;
  let pressed = 0;
  const stop = watchMemory({
    used: () => used,
    clock,
    changed: (level) => told.push(level),
    pressed: () => {
      pressed += 1;
    },
  });
  await clock.pass(5 * SAMPLE_MS);
  expect([told, pressed]).toEqual([[1, 2, 3], 1]);
  await clock.pass(3 * SAMPLE_MS);
  expect(pressed).toBe(4);
  used = 0.5;
  await clock.pass(60 * SAMPLE_MS);
  expect([told, pressed]).toEqual([[1, 2, 3, 2, 1, 0], 4]);
  stop();
  expect(clock.waiting).toBe(0);
});

test('the nearer of the limits counts', () => {
  const reading = { residentBytes: 500, heapBytes: 300 };
  expect(shareUsed(reading, { residentBytes: 1_000, heapBytes: 1_000 })).toBe(0.5);
  expect(shareUsed(reading, { residentBytes: 1_000, heapBytes: 400 })).toBe(0.75);
  expect(shareUsed(reading, { residentBytes: null, heapBytes: 1_000 })).toBe(0.3);
});

test('what is set limits the process, and else its cgroup or nothing; the heap is limited in any case', () => {
  expect(memoryLimits(100).residentBytes).toBe(100 * 1024 * 1024);
  for (const { residentBytes, heapBytes } of [memoryLimits(100), memoryLimits(null)]) {
    expect(residentBytes ?? 1).toBeGreaterThan(0);
    expect(heapBytes).toBeGreaterThan(readMemory().heapBytes);
  }
  expect(readMemory().residentBytes).toBeGreaterThan(0);
});
