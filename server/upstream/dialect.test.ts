import { expect, test } from 'vitest';
import {
  dialectOf,
  isOutOfHistory,
  quoteName,
  quoteText,
  streamStatement,
  waysToStart,
} from './dialect.ts';

test.each([
  ['v0.26.1-dev (bb01a860)', 'tail'],
  ['v0.9.13 (abc)', 'tail'],
  ['v0.27.0 (abc)', 'subscribe'],
  ['v0.130.4 (abc)', 'subscribe'],
  ['v26.39.0-dev.0 (30e4b1d2a), helm chart: 1', 'subscribe'],
] as const)('%s speaks %s', (version, dialect) => {
  expect(dialectOf(version)).toBe(dialect);
});

test('anything else is no Materialize, and the message says what to do', () => {
  expect(() => dialectOf('PostgreSQL 15.3')).toThrow('check VIEWCAST_UPSTREAM');
});

test('names and texts cannot leave their quotes', () => {
  expect(quoteName('top10')).toBe('"top10"');
  expect(quoteName('public.a"b')).toBe('"public"."a""b"');
  expect(quoteText("o'clock")).toBe("'o''clock'");
});

test('statements of both dialects', () => {
  expect(streamStatement('tail', 'top10', { snapshot: true, asOf: null, atLeast: false })).toBe(
    'TAIL "top10" WITH (PROGRESS)',
  );
  expect(streamStatement('subscribe', 'top10', { snapshot: false, asOf: 41, atLeast: false })).toBe(
    'SUBSCRIBE "top10" WITH (PROGRESS, SNAPSHOT = false) AS OF 41',
  );
});

const FRESH = { snapshot: true, asOf: null, atLeast: false };

test.each(['tail', 'subscribe'] as const)(
  '%s: a held frontier is resumed one below it',
  (dialect) => {
    expect(waysToStart(dialect, 1_000, 5_000)).toEqual([
      { snapshot: false, asOf: 999, atLeast: false },
      FRESH,
    ]);
  },
);

test('F4: from a time that is yet to come nothing is resumed', () => {
  expect(waysToStart('subscribe', 5_000 + 3_600_000, 5_000)).toEqual([FRESH]);
  expect(waysToStart('subscribe', 5_000 + 30_000, 5_000)).toHaveLength(2);
});

test('a server that starts asks for five minutes of history, or what there is', () => {
  expect(waysToStart('subscribe', null, 1_000_000)).toEqual([
    { snapshot: true, asOf: 700_000, atLeast: true },
    FRESH,
  ]);
  expect(waysToStart('tail', null, 1_000_000).map(({ asOf }) => asOf)).toEqual([
    700_000,
    940_000,
    990_000,
    null,
  ]);
  expect(streamStatement('subscribe', 'v', { snapshot: true, asOf: 7, atLeast: true })).toBe(
    'SUBSCRIBE "v" WITH (PROGRESS) AS OF AT LEAST 7',
  );
});

test.each([
  'could not find a valid timestamp for the query',
  'Timestamp (1795229758058) is not valid for all inputs: [Antichain { elements: [1795229758059] }]',
])('"%s" says that history does not reach back', (message) => {
  expect(isOutOfHistory(message)).toBe(true);
});

test('other errors do not', () => {
  expect(isOutOfHistory("unknown catalog item 'v'")).toBe(false);
});
