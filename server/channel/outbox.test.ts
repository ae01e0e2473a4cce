import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterSending, defaultOutboxLimits, type OutboxState, observe } from './outbox.ts';

const limits = defaultOutboxLimits;
const held = { epoch: 'e', frontier: 7 };
const lagging = (bufferedBytes: number, hydrating = false): OutboxState => ({
  kind: 'lagging',
  held,
  hydrating,
  sinceMs: 1_000,
  bufferedBytes,
});

test('a live viewer leaves above 256 KiB and no earlier', () => {
  const at = (bytes: number) => observe({ kind: 'live' }, held, bytes, 5, limits);
  expect(at(262_144)).toEqual({ state: { kind: 'live' }, action: 'none' });
  expect(at(262_145).action).toBe('leave');
  expect(at(262_145).state).toMatchObject({ kind: 'lagging', held, sinceMs: 5 });
});

test('a lagging viewer catches up below 64 KiB, is closed after 60 s, and waits between', () => {
  const at = (bytes: number, nowMs: number) =>
    observe(lagging(300_000), held, bytes, nowMs, limits);
  expect(at(65_535, 60_999).action).toBe('catch-up');
  expect(at(65_536, 60_999).action).toBe('none');
  expect(at(65_536, 61_000).action).toBe('close');
  expect(at(200_000, 61_000).action).toBe('close');
});

test('a viewer that is drained is never closed, however long it lagged', () =>
  fc.assert(
    fc.property(fc.nat(65_535), fc.nat(), fc.boolean(), (bytes, nowMs, hydrating) => {
      const state = lagging(300_000, hydrating);
      expect(observe(state, held, bytes, nowMs, limits).action).toBe('catch-up');
    }),
  ));

test('a hydrating viewer has 60 s from the last byte that drained, not from its start', () => {
  let state = lagging(5_000_000, true);
  for (let nowMs = 31_000, bytes = 4_900_000; bytes > 100_000; nowMs += 30_000, bytes -= 100_000) {
    const seen = observe(state, held, bytes, nowMs, limits);
    expect(seen.action).toBe('none');
    state = seen.state;
    expect(observe(state, held, bytes, nowMs + 60_000, limits).action).toBe('close');
  }
});

test('a waiting viewer is left alone', () => {
  const state: OutboxState = { kind: 'waiting' };
  expect(observe(state, held, 10_000_000, 1e9, limits)).toEqual({ state, action: 'none' });
});

test('what was sent leaves a viewer live unless it filled the buffer', () => {
  expect(afterSending(held, 262_144, 9, limits, true)).toEqual({ kind: 'live' });
  expect(afterSending(held, 262_145, 9, limits, true)).toEqual({
    kind: 'lagging',
    held,
    hydrating: true,
    sinceMs: 9,
    bufferedBytes: 262_145,
  });
});
