import { expect, test } from 'vitest';
import { parseStreamMessage } from './stream-message.ts';

test('a message of the stream is parsed', () => {
  const text =
    '{"deleted": [["KrBot", 41]], "inserted": [["KrBot", 47]], "timestamp": 1642600002000}';
  expect(parseStreamMessage(text)).toEqual({
    deleted: [['KrBot', 41]],
    inserted: [['KrBot', 47]],
    timestamp: 1642600002000,
    snapshot: false,
  });
});

test('a snapshot after a refused token, and the end of a view, are understood', () => {
  const text = '{"deleted":[],"inserted":[],"timestamp":"end","snapshot":true}';
  expect(parseStreamMessage(text)).toMatchObject({ timestamp: 'end', snapshot: true });
});

test.each([
  ['', 'JSON'],
  ['{"deleted": [', 'JSON'],
  ['[]', 'object'],
  ['null', 'object'],
  ['{"inserted": [], "timestamp": 1}', 'arrays of rows'],
  ['{"deleted": [1], "inserted": [], "timestamp": 1}', 'arrays of rows'],
  ['{"deleted": [], "inserted": {}, "timestamp": 1}', 'arrays of rows'],
  ['{"deleted": [], "inserted": [], "timestamp": "soon"}', 'milliseconds'],
  ['{"deleted": [], "inserted": [], "timestamp": 1.5}', 'milliseconds'],
])('%s is refused: expected %s', (text, expected) => {
  expect(() => parseStreamMessage(text)).toThrow(expected);
});
