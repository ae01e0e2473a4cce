import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type StreamFormat, streamParser } from './stream-parser.ts';

/** What a stream says, as it is written. */
type Said =
  | { readonly token: string; readonly inserted: readonly (readonly unknown[])[] }
  | { readonly token: string }
  | { readonly stale: boolean };

const tokens = fc.integer({ min: 1, max: 999 }).map((time) => `epoch.${time}`);
const rows = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.integer()), { maxLength: 3 });
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ token: tokens, inserted: rows }),
  fc.record({ token: tokens }),
  fc.record({ stale: fc.boolean() }),
);

function write(format: StreamFormat, one: Said): string {
  if ('stale' in one) {
    const state = one.stale ? 'stale' : 'live';
    return format === 'event' ? `event: status\ndata: {"state": "${state}"}\n\n` : '';
  }
  const { token } = one;
  if (!('inserted' in one)) return format === 'event' ? `:\nid: ${token}\n\n` : ' ';
  const timestamp = Number(token.slice('epoch.'.length));
  const message = JSON.stringify({ deleted: [], inserted: one.inserted, timestamp });
  return format === 'event' ? `id: ${token}\ndata: ${message}\n\n` : `${message}\n`;
}

function read(format: StreamFormat, pieces: readonly string[]): unknown[] {
  const heard: unknown[] = [];
  const parse = streamParser(format, {
    message: ({ inserted }, token) => heard.push({ token, inserted }),
    quiet: (token) => heard.push({ token }),
    status: (stale) => heard.push({ stale }),
  });
  for (const piece of pieces) parse(piece);
  return heard;
}

/** Cuts a text at any places. */
function cut(text: string, places: readonly number[]): string[] {
  const at = places.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, n) => text.slice(from, at[n] ?? text.length));
}

test('however events are cut, they are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(said), fc.array(fc.nat()), (all, places) => {
      const text = all.map((one) => write('event', one)).join('');
      // The same position twice in a row is not told twice.
      const told = all.filter((one, n) => {
        if (!('token' in one) || 'inserted' in one) return true;
        return all.slice(0, n).findLast((before) => 'token' in before)?.token !== one.token;
      });
      expect(read('event', cut(text, places))).toEqual(told);
    }),
  );
});

test('however lines are cut, they are read as they were written, and blanks are skipped', () => {
  fc.assert(
    fc.property(fc.array(said), fc.array(fc.nat()), (all, places) => {
      const text = all.map((one) => write('line', one)).join('');
      const messages = all.flatMap((one) =>
        'inserted' in one ? [{ token: null, inserted: one.inserted }] : [],
      );
      expect(read('line', cut(text, places))).toEqual(messages);
    }),
  );
});

test('what is no message is refused', () => {
  expect(() => read('line', ['<html>\n'])).toThrow('a stream message is JSON');
  expect(() => read('event', ['data: 1\n\n'])).toThrow('a stream message is an object');
  expect(read('event', ['event: x\r\nretry: 1\r\n\r\n'])).toEqual([]);
});
