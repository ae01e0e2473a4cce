import { expect, test } from 'vitest';
import { newestMessages } from './messages.ts';

const columns = ['id', 'timestamp', 'value', 'created_date'].map((name) => ({ name }));

test('the newest first, each with how long it took, whatever way its times are written', () => {
  const rows = [
    [3, '2026-01-02 03:04:05.100', 'a', '2026-01-02T03:04:05.108'],
    [10, '2026-01-02T03:04:05Z', 'b', '2026-01-02 03:04:06+00:00'],
    [4, null, null, '2026-01-02T03:04:05'],
    [5, '2026-01-02T03:04:09Z', 'c', '2026-01-02T03:04:05'],
  ];
  const messages = newestMessages(rows, columns);
  expect(messages.map(({ id, value, delayMs }) => [id, value, delayMs])).toEqual([
    [10, 'b', 1_000],
    [5, 'c', 0],
    [4, '', null],
    [3, 'a', 8],
  ]);
});
