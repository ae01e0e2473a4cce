import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../protocol/update.ts';
import { anyTopicOf, NOTES } from '../topic-fixture.ts';

const arrival = { id: '00000000-0000-4000-8000-000000000001', nowMs: 1_700_000_000_123 };
const complete = (value: Json) => NOTES.complete(value, arrival);

test('a value is made whole: what may be missing is null, and what the schema says is filled in', () => {
  expect(complete({ text: 'hi' })).toEqual({
    text: 'hi',
    number: null,
    sent: '2023-11-14 22:13:20.123',
    name: 'notes/2023-11-14T22:13:20.123Z/00000000-0000-4000-8000-000000000001',
    hops: ['produce.notes/2023-11-14T22:13:20.123Z/00000000-0000-4000-8000-000000000001'],
  });
  const own = { text: null, number: 7, sent: 'then', name: 'mine', hops: ['a sensor'] };
  expect(complete(own)).toEqual({ ...own, hops: ['a sensor', expect.stringMatching(/^produce/)] });
});

test.each<[Json, string]>([
  ['hi', 'expected an object with fields, got "hi"'],
  [{ text: 5 }, '"text": expected null or string, got 5 (number)'],
  [{ txt: 'hi' }, '"txt": expected no such field, got "hi" (string)'],
  [{ text: '12345678901' }, '"text": expected at most 10 characters, got 11'],
  [{ text: 'a\0b' }, '"text": expected text without the character U+0000'],
  [{ hops: ['ok', 'a\ud800'] }, '"hops.1": expected text, got half a surrogate pair'],
  [{ hops: 'x' }, '"hops": expected null or an array of string, got "x" (string)'],
])('%j does not fit, and the field at fault is named', (value, problem) => {
  expect(complete(value)).toBe(problem);
});

test('characters are counted, not code units', () => {
  expect(complete({ text: '🜁'.repeat(10) })).toBeTypeOf('object');
});

test('whatever JSON comes is a value that fits, or a sentence; and could be what it became', () =>
  fc.assert(
    fc.property(fc.jsonValue() as fc.Arbitrary<Json>, fc.string(), (any, text) => {
      for (const value of [any, { text: any }, { text, hops: any }, { number: any }]) {
        const whole = complete(value);
        if (typeof whole === 'string') expect(whole).toMatch(/expected/);
        else expect(NOTES.couldBe(value, new Map(Object.entries(whole)))).toBe(true);
      }
    }),
  ));

test('another value is told from what is archived, by the fields that were given', () => {
  const row = new Map<string, Json>(Object.entries(Object(complete({ text: 'a', number: 3 }))));
  expect(NOTES.couldBe({ text: 'a', number: 3 }, row)).toBe(true);
  expect(NOTES.couldBe({ text: 'b', number: 3 }, row)).toBe(false);
  expect(NOTES.couldBe({ text: 'a' }, row)).toBe(false);
  expect(NOTES.couldBe({ text: 'a', number: 3, name: 'mine' }, row)).toBe(false);
});

test('a topic without a view for its messages, or with a key of several fields, takes none', () => {
  const record = (fields: object, more = {}) =>
    JSON.stringify({ type: 'record', name: 'r', fields, ...more });
  const text = [{ name: 'a', type: 'string' }];
  expect(anyTopicOf('t', record(text), record(text))).toHaveProperty('problem');
  const archived = record(text, { archivedIn: 'v.a' });
  expect(
    anyTopicOf('t', record([...text, { name: 'b', type: 'string' }]), archived),
  ).toHaveProperty('problem');
  expect(anyTopicOf('t', record(text), archived)).toMatchObject({
    archivedIn: { view: 'v', column: 'a' },
  });
});
