import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SseDecoder } from './sse.ts';

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  ends.sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

const texts = fc.array(
  fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/.test(text)),
);

test('events come out whole, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat()), (datas, places) => {
      const wire = datas.map((data, i) => `event: message\nid: ${i}\ndata: ${data}\n\n`);
      const decoder = new SseDecoder(() => {});
      const bytes = Buffer.from(`:ok\n\n${wire.join('')}`);
      const events = cut(bytes, places).flatMap((piece) => decoder.push(piece));
      expect(events.map((event) => event.data)).toEqual(datas);
      expect(events.map((event) => event.id)).toEqual(datas.map((_, i) => String(i)));
    }),
  );
});

test('a torn last event comes out at the end of a file only', () => {
  const decoder = new SseDecoder(() => {});
  expect(decoder.push(Buffer.from('data: 1\n\ndata: 2'))).toMatchObject([{ data: '1' }]);
  expect(decoder.end()).toMatchObject([{ data: '2' }]);
});

test('an event without end is skipped, and the next one read', () => {
  let oversized = 0;
  const decoder = new SseDecoder(() => {
    oversized += 1;
  });
  const piece = Buffer.from('x'.repeat(1024 * 1024));
  const events = [...decoder.push(Buffer.from('data: '))];
  for (let i = 0; i < 7; i += 1) events.push(...decoder.push(piece));
  events.push(...decoder.push(Buffer.from('\n\ndata: 2\n\n')));
  expect(events.map((event) => event.data)).toEqual(['2']);
  expect(oversized).toBe(1);
});
