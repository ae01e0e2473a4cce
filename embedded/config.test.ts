import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('a folder is all it needs', () => {
  expect(readConfig({ VIEWCAST_STORE: 'data/live' })).toEqual({
    host: '127.0.0.1',
    port: 6875,
    store: 'data/live',
    line: 'subscribe',
    logLevel: 'info',
  });
});

test('every bad variable is named at once', () => {
  const complaints = readConfig({ VIEWCAST_SQL_PORT: '70000', VIEWCAST_LOG: 'loud' });
  expect(complaints).toEqual([
    'VIEWCAST_SQL_PORT is 65535 or less, not "70000"',
    'VIEWCAST_STORE is needed: the folder of the store',
    'VIEWCAST_LOG is one of fatal, error, warn, info, debug, trace, silent, not "loud"',
  ]);
});
