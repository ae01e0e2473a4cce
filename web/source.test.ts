import { expect, test } from 'vitest';
import { statusOf } from './connection-status.ts';
import { badgeText, type Source, sourceOf } from './source.ts';

test('the latest row of the view says the source', () => {
  const rows = [
    ['generated', '', 'connected', '2026-01-01T00:00:00Z'],
    ['live', '', 'reconnecting', '2026-01-02T00:00:00Z'],
  ];
  expect(sourceOf(rows)).toEqual({ kind: 'live', label: '', state: 'reconnecting' });
  expect(sourceOf([])).toBeNull();
  expect(sourceOf([['something else', '', 'connected', '']])).toBeNull();
  expect(sourceOf([['live']])).toEqual({ kind: 'live', label: '', state: 'connected' });
});

test.each<[Source, string]>([
  [{ kind: 'live', label: '', state: 'connected' }, 'Live'],
  [{ kind: 'live', label: '', state: 'reconnecting' }, 'Live, reconnecting to Wikimedia'],
  [{ kind: 'recorded', label: '2021-08-27', state: 'connected' }, 'Recorded 27 Aug 2021'],
  [{ kind: 'recorded', label: '27 Aug', state: 'ended' }, 'Recorded 27 Aug, ended'],
  [{ kind: 'recorded', label: '', state: 'connected' }, 'Recorded'],
  [{ kind: 'generated', label: '', state: 'connected' }, 'Generated, not real'],
])('the badge for %j is %s', (source, text) => {
  expect(badgeText(source)).toBe(text);
});

test('the page is as good as its worst stream', () => {
  expect(statusOf(['live', 'reconnecting'], null, 0).state).toBe('reconnecting');
  expect(statusOf(['live', 'connecting'], null, 0).state).toBe('connecting');
  expect(statusOf(['live', 'live'], null, 0).state).toBe('live');
});

test('silence is stale only where the source never rests', () => {
  const source = (kind: Source['kind'], state: Source['state'] = 'connected') => ({
    kind,
    label: '',
    state,
  });
  const both = ['live', 'live'] as const;
  expect(statusOf(both, source('live'), 12_300)).toEqual({
    state: 'stale',
    text: 'Stale, no change for 12 s',
  });
  expect(statusOf(both, source('live'), 9_000).state).toBe('live');
  expect(statusOf(both, source('generated'), 12_000).state).toBe('stale');
  expect(statusOf(both, source('recorded'), 12_000).state).toBe('live');
  expect(statusOf(both, source('recorded', 'ended'), 12_000).state).toBe('ended');
  expect(statusOf(both, null, 12_000).state).toBe('live');
});
