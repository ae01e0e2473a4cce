import { expect, test } from 'vitest';
import type { Frontier } from '../../protocol/update.ts';
import { SnapshotGate } from './snapshot-gate.ts';

const OLD = { dialect: 'tail', snapshot: true, asOf: null, startedAt: 100 } as const;
const NEW = { ...OLD, dialect: 'subscribe' } as const;

/** Feeds `p50` (progress at 50) and `d50` (data at 50); gives the first progress that counts. */
function completedBy(start: ConstructorParameters<typeof SnapshotGate>[0], script: string) {
  const gate = new SnapshotGate(start);
  for (const step of script.split(' ')) {
    const time: Frontier = step === 'pend' || step === 'dend' ? 'end' : Number(step.slice(1));
    if (step.startsWith('d')) gate.data(time);
    else if (gate.progress(time)) return step;
  }
  return 'never';
}

test.each([
  ['the first progress is the as-of time', 'p50 d50 p51', 'p51'],
  ['an empty view', 'p50 p51', 'p51'],
  ['updates behind the snapshot', 'p50 d50 d60 p61', 'p61'],
  ['a constant view has no closing progress', 'pend dend', 'never'],
])('newer line: %s', (_, script, expected) => {
  expect(completedBy(NEW, script)).toBe(expected);
});

test.each([
  ['progress before the snapshot does not count', 'p50 d60 p61', 'p61'],
  ['progress at the snapshot does not count', 'p50 d60 p60 p61', 'p61'],
  ['the snapshot may come first', 'd60 p61', 'p61'],
  ['an empty view: the second progress, when later than the start', 'p101 p102', 'p102'],
  ['an empty view and a clock behind ours: the third', 'p50 p51 p52', 'p52'],
])('older line: %s', (_, script, expected) => {
  expect(completedBy(OLD, script)).toBe(expected);
});

test.each([OLD, NEW])('with AS OF the first progress above it counts', (start) => {
  expect(completedBy({ ...start, asOf: 70 }, 'p50 p70 d70 p71')).toBe('p71');
});

test.each([OLD, NEW])('without a snapshot every progress counts', (start) => {
  expect(completedBy({ ...start, snapshot: false, asOf: 70 }, 'p70')).toBe('p70');
});
