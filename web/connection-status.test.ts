import { expect, test } from 'vitest';
import { type LagFacts, lagOf, stateOf, stateText } from './connection-status.ts';
import type { Source } from './source.ts';

test.each([
  ['waiting', false, 'connecting'],
  ['refused', false, 'connecting'],
  ['refused', true, 'reconnecting'],
  ['waiting', true, 'reconnecting'],
  ['resuming', true, 'reconnecting'],
  ['stale', true, 'stale'],
  ['live', true, 'live'],
] as const)('%s is told as such, with rows on show: %s', (line, known, state) => {
  expect(stateOf(line, known, null)).toBe(state);
});

test('a recording that ended is complete while the server is there', () => {
  const ended: Source = { kind: 'recorded', label: '', state: 'ended' };
  expect(stateOf('live', true, ended)).toBe('ended');
  expect(stateOf('resuming', true, ended)).toBe('reconnecting');
});

test('live rows are as old as they came, any others grow older', () => {
  const facts: LagFacts = {
    state: 'live',
    shown: 1_000,
    receivedMs: 1_300,
    nowMs: 9_000,
    paused: false,
  };
  expect(lagOf(facts)).toBe(300);
  expect(lagOf({ ...facts, paused: true })).toBe(8_000);
  expect(lagOf({ ...facts, state: 'stale' })).toBe(8_000);
  expect(lagOf({ ...facts, receivedMs: 900 })).toBe(0);
  expect(lagOf({ ...facts, shown: 'end' })).toBeNull();
  expect(lagOf({ ...facts, shown: undefined })).toBeNull();
});

test.each([
  ['connecting', null, 'Connecting'],
  ['live', 300, '0.3 s behind'],
  ['live', null, 'Up to date'],
  ['reconnecting', 12_000, 'Reconnecting, 12 s behind'],
  ['stale', 4_000, 'Stale, the database is silent, 4.0 s behind'],
  ['ended', null, 'Complete'],
] as const)('%s with a lag of %s ms reads %s', (state, lag, text) => {
  expect(stateText(state, lag)).toBe(text);
});
