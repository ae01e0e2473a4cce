import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Ticker } from './ticker.ts';

const TICK_MS = 20;
const IDLE_MS = 1000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What a ticker moves, and when it did. */
function open(restMs = 0) {
  const seen = { committed: 0, published: 0, ticks: [] as number[], quietSeconds: 0 };
  const ticker = new Ticker({
    feeds: {
      size: 1,
      restMs,
      needsTick: false,
      passTime: () => {
        seen.quietSeconds++;
      },
      tick: async () => {
        seen.published = seen.committed;
        seen.ticks.push(performance.now());
      },
      retireIdle: async () => {},
    },
    floor: { isReached: false, raise: async () => {} },
    turn: (work) => work(),
    tickMs: TICK_MS,
    idleMs: IDLE_MS,
  });
  const commit = (): void => {
    seen.committed++;
    ticker.changed();
  };
  return { ticker, seen, commit };
}

test('a change after a rest is published at once, those of a rush together, and none is forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(60), { minLength: 1, maxLength: 30 }), async (gaps) => {
      const { ticker, seen, commit } = open();
      for (const gap of gaps) {
        await vi.advanceTimersByTimeAsync(gap);
        const isRested = performance.now() >= (seen.ticks.at(-1) ?? 0) + TICK_MS;
        commit();
        if (!isRested) continue;
        await vi.advanceTimersByTimeAsync(1);
        expect(seen.published).toBe(seen.committed);
      }
      await vi.advanceTimersByTimeAsync(TICK_MS);
      expect(seen.published).toBe(seen.committed);
      for (const [index, at] of seen.ticks.entries()) {
        expect(at - (seen.ticks[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(
          TICK_MS,
        );
      }
      ticker.stop();
    }),
  );
});

test('after re-evaluations a tick waits for as long as they ask', async () => {
  const { ticker, seen, commit } = open(300);
  commit();
  await vi.advanceTimersByTimeAsync(299);
  expect(seen.ticks).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(seen.published).toBe(1);
  ticker.stop();
});

test('quiet seconds pass without a tick, and after its end nothing happens', async () => {
  const { ticker, seen, commit } = open();
  await vi.advanceTimersByTimeAsync(3 * IDLE_MS);
  expect(seen).toMatchObject({ quietSeconds: 3, ticks: [] });
  ticker.stop();
  commit();
  await vi.advanceTimersByTimeAsync(3 * IDLE_MS);
  expect(seen).toMatchObject({ quietSeconds: 3, ticks: [] });
});
