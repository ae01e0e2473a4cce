import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLOSE } from './close.ts';
import { hashOf } from './hash.ts';
import { ERROR_CODES } from './message.ts';

const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test.each(Object.entries(ERROR_CODES))(
  'P4: the error %s stands in PROTOCOL.md',
  (code, meaning) => {
    expect(rows).toContainEqual([`\`${code}\``, meaning]);
  },
);

test.each(Object.values(CLOSE))('P4: the close code $code stands in PROTOCOL.md', (close) => {
  const again = { no: 'no', wait: 'yes', token: 'with a new token' }[close.reconnect];
  const { code, name, retryMs, meaning } = close;
  expect(rows).toContainEqual([`${code}`, `\`${name}\``, again, `${retryMs}`, meaning]);
});

const VECTORS: readonly (readonly [string, ReadonlyMap<string, number>])[] = [
  ['nothing', new Map()],
  ['`[]` once', new Map([['[]', 1]])],
  ['`[1]` once', new Map([['[1]', 1]])],
  ['`[1]` twice', new Map([['[1]', 2]])],
  [
    '`[1]` and `[2]`',
    new Map([
      ['[1]', 1],
      ['[2]', 1],
    ]),
  ],
  ['`[1]` −1 times (a change)', new Map([['[1]', -1]])],
  ['`["Zoë",42]` once', new Map([['["Zoë",42]', 1]])],
  ['`["🜁",null,true]` 1,000,003 times', new Map([['["🜁",null,true]', 1_000_003]])],
  ['`[1.5e-7]` 4,503,599,627,370,497 times', new Map([['[1.5e-7]', 4_503_599_627_370_497]])],
];

test.each(VECTORS)('P4: the hash of %s is the one in PROTOCOL.md', (name, multiset) => {
  expect(rows).toContainEqual([name, `\`${hashOf(multiset)}\``]);
});

test('P4: every type of message has a row of its own', () => {
  const named = rows.map(([first]) => first);
  const types = `auth subscribe unsubscribe ack submit hello authorized subscribed batch progress
    status accepted archived error`.split(/\s+/);
  for (const type of types) expect(named).toContain(`\`${type}\``);
});

test('P4: an invariant of the client or the protocol names tests that are there', () => {
  const invariants = rows.filter(([number]) => /^[CP]\d+$/.test(number ?? ''));
  expect(invariants.length).toBeGreaterThan(10);
  for (const [number, , tests] of invariants) {
    for (const [, path] of tests?.matchAll(/`([^`]+)`/g) ?? []) {
      const there = existsSync(new URL(`../${path}`, import.meta.url));
      expect(there, `${number} names ${path}`).toBe(true);
    }
  }
});
