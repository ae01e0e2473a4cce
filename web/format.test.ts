import { expect, test } from 'vitest';
import { formatDelta, formatLag, formatRate } from './format.ts';

test.each([
  [0, '0.0'],
  [4.24, '4.2'],
  [31.4, '31'],
  [1_234, '1,234'],
])('%d a second is %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test.each([
  [1_204, '+1,204'],
  [-17, '−17'],
  [0, '±0'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatDelta(bytes)).toBe(text);
});

test.each([
  [-300, '0.0 s'],
  [340, '0.3 s'],
  [12_400, '12 s'],
  [300_000, '5 min'],
  [7_200_000, '2 h'],
])('%d ms of lag are %s', (ms, text) => {
  expect(formatLag(ms)).toBe(text);
});
