import { expect, test } from 'vitest';
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
