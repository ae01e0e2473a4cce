import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseClientMessage } from './client-message.ts';
import type { ClientMessage } from './message.ts';
import { MessageError } from './message-error.ts';
import { clientMessages } from './message-samples.ts';

test('P2: every message comes back from its text', () => {
  fc.assert(
    fc.property(clientMessages, (message: ClientMessage) => {
      expect(parseClientMessage(JSON.stringify(message))).toEqual(message);
    }),
  );
});

/** What is refused, with the beginning of the answer. */
const REFUSED = [
  ['', 'expected a JSON object, got '],
  ['{', 'expected a JSON object, got {'],
  ['[]', 'Invalid input: expected object'],
  ['null', 'Invalid input: expected object'],
  ['{"type":"hello"}', "type: Invalid discriminator value. Expected 'subscribe'"],
  ['{"type":"subscribe","id":"","views":[{"view":"v"}]}', 'id: Too small'],
  ['{"type":"subscribe","id":"a","views":[]}', 'views: Too small'],
  ['{"type":"subscribe","id":"a","views":[{"view":"v","wher":{}}]}', 'views[0]: Unrecognized key'],
  [
    '{"type":"subscribe","id":"a","views":[{"view":"v","where":{"c":[1]}}]}',
    'views[0].where.c: expected null, a boolean, a number or a text of at most 1024, got [1]',
  ],
  [
    '{"type":"subscribe","id":"a","views":[{"view":"v"},{"view":"v"}]}',
    'views: expected each view once',
  ],
  [
    '{"type":"subscribe","id":"a","views":[{"view":"v"}],"everyMs":60001}',
    'everyMs: Too big: expected number to be <=60000, got 60001',
  ],
  [
    '{"type":"subscribe","id":"a","views":[{"view":"v"}],"from":{"epoch":"e","timestamp":-1}}',
    'from.timestamp: Too small: expected number to be >=0, got -1',
  ],
  [
    '{"type":"subscribe","id":"a","views":[{"view":"v","where":{"__proto__":1}}]}',
    'expected no key named __proto__',
  ],
  ['{"type":"ack","channel":1,"upper":1.5}', 'upper: expected an integer'],
  ['{"type":"ack","channel":1,"upper":1e300}', 'upper: Too big: expected int'],
  ['{"type":"ack","channel":1,"upper":"soon"}', 'upper: expected an integer from 0 to 2^53 − 1'],
  ['{"type":"submit","id":"no","topic":"t","value":1}', 'id: Invalid UUID, got "no"'],
  ['{"type":"auth"}', 'token: Invalid input: expected string, received undefined, got nothing'],
  ['['.repeat(16_000), 'expected a JSON object'],
  [`${'['.repeat(8_000)}${']'.repeat(8_000)}`, 'expected at most 8 levels of nesting'],
  [`"${'x'.repeat(16_384)}"`, 'expected at most 16384 bytes, got 16386'],
] as const;

test.each(REFUSED.map(([text, answer]) => ({ start: text.slice(0, 80), text, answer })))(
  'P2, F14: $start is refused and says why',
  ({ text, answer }) => {
    expect(() => parseClientMessage(text)).toThrow(MessageError);
    expect(() => parseClientMessage(text)).toThrow(answer);
  },
);

test('nesting is allowed down to 8 levels, the message being the first', () => {
  const submit = (levels: number) =>
    `{"type":"submit","id":"00000000-0000-4000-8000-000000000000","topic":"t","value":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  expect(parseClientMessage(submit(7)).type).toBe('submit');
  expect(() => parseClientMessage(submit(8))).toThrow('expected at most 8 levels');
});

test('P2, F14: whatever comes ends in a message or one MessageError', () => {
  const mutated = fc
    .tuple(clientMessages, fc.nat(), fc.string({ maxLength: 4 }), fc.nat(6))
    .map(([message, at, insert, cut]) => {
      const text = JSON.stringify(message);
      const place = at % (text.length + 1);
      return text.slice(0, place) + insert + text.slice(place + cut);
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.json({ maxDepth: 12 }), fc.string()), (text) => {
      try {
        expect(parseClientMessage(text)).toHaveProperty('type');
      } catch (error) {
        expect(error).toBeInstanceOf(MessageError);
      }
    }),
    { numRuns: 5_000 },
  );
  expect(Object.keys(Object.prototype)).toEqual([]);
});
