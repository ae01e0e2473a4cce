import { expect, test } from 'vitest';
import { rewind, timeOf } from './resume-point.ts';

const id =
  '[{"topic":"eqiad","partition":0,"offset":-1},{"topic":"codfw","partition":0,"timestamp":90000}]';

test('times move back and never below 0, offsets stay', () => {
  expect(JSON.parse(rewind(id) ?? '')).toEqual([
    { topic: 'eqiad', partition: 0, offset: -1 },
    { topic: 'codfw', partition: 0, timestamp: 30_000 },
  ]);
  expect(JSON.parse(rewind(id, 100_000) ?? '')[1].timestamp).toBe(0);
});

test('the newest time counts', () => {
  expect(timeOf(id)).toBe(90_000);
  expect(timeOf('[{"timestamp":5},{"timestamp":9},{"timestamp":7}]')).toBe(9);
  expect(timeOf('[{"offset":3}]')).toBeNull();
});

test('what is no id of Wikimedia is no resume point', () => {
  for (const text of ['', 'x', '7', '{}', '[]', '[1]', '[{"timestamp":"now"}]']) {
    expect(rewind(text), text).toBeNull();
    expect(timeOf(text), text).toBeNull();
  }
});
