import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('an address alone is enough, with or without the path of the protocol', () => {
  const url = 'ws://localhost:8875/api/v1';
  expect(readOptions(['http://localhost:8875'])).toMatchObject({ url, views: [], watchMs: 10_000 });
  expect(readOptions([url])).toMatchObject({ url });
});

test('views may be several; a message for a topic is JSON', () => {
  const args = ['ws://h', '--view', 'a', '--view', 'b', '--submit', 'example={"value":"a=b"}'];
  expect(readOptions(args)).toMatchObject({
    views: ['a', 'b'],
    submit: { topic: 'example', value: { value: 'a=b' } },
  });
});

test.each([
  [[], 'expected one url'],
  [['ws://h', 'ws://i'], 'expected one url'],
  [['nonsense'], 'expected a url, got nonsense'],
  [['ftp://h'], 'expected ws(s)://'],
  [['ws://h', '--watch-ms', 'soon'], '--watch-ms: expected milliseconds'],
  [['ws://h', '--submit', 'example'], '--submit: expected topic=json'],
  [['ws://h', '--vew', 'a'], '--vew'],
])('%j is refused', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
