import { expect, test } from 'vitest';
import { MAX_QUICK_DEATHS, planRestart, SETTLED_MS } from './restarts.ts';

function delays(readyForMs: number | null): number[] {
  const found: number[] = [];
  for (let deaths = 0; ; ) {
    const plan = planRestart(readyForMs, deaths);
    if (plan.kind === 'give-up' || found.length > 20) return found;
    found.push(plan.afterMs);
    deaths = plan.quickDeaths;
  }
}

test('what never gets ready is given up, after growing delays', () => {
  expect(delays(null)).toEqual([200, 400, 800, 1_600, 3_200]);
  expect(delays(SETTLED_MS - 1)).toHaveLength(MAX_QUICK_DEATHS - 1);
});

test('what had settled is started again for ever, and soon', () => {
  expect(delays(SETTLED_MS)).toHaveLength(21);
  expect(planRestart(SETTLED_MS, 5)).toEqual({ kind: 'restart', afterMs: 200, quickDeaths: 0 });
});
