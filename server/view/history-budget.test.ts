import { expect, test } from 'vitest';
import { History } from './history.ts';
import { HistoryBudget } from './history-budget.ts';

test('F27: histories keep to a smaller share from their next trim on, and grow again after it', () => {
  const budget = new HistoryBudget({ ageMs: 1_000, bytes: 1_000_000 });
  const histories = [new History(0, budget), new History(0, budget)];
  let now = 0;
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; now += 10) {
      for (const history of histories) {
        history.append(now, now, new Map([[`["row ${now}"]`, 1]]));
        history.trim(now + 1);
      }
    }
  };
  const reach = () => histories.map(({ start }) => now - start);
  const expectReach = (ms: number): void => {
    for (const reached of reach()) expect(Math.abs(reached - ms)).toBeLessThanOrEqual(20);
  };
  pass(2_000);
  expectReach(1_000);
  const bytes = histories.map((history) => history.bytes);
  budget.take(1 / 8);
  pass(10);
  expectReach(125);
  for (const [at, history] of histories.entries()) {
    expect(history.bytes).toBeLessThan((bytes[at] ?? 0) / 4);
  }
  budget.take(1);
  pass(500);
  expectReach(625);
  pass(1_000);
  expectReach(1_000);
});
