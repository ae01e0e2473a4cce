import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame } from './backend.ts';
import { FrameReader, splitFrames } from './frames.ts';

const someFrames = fc.array(
  fc.tuple(fc.constantFrom(...'QPBDES'), fc.uint8Array({ maxLength: 40 })),
  { maxLength: 12 },
);

const cut = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
};

test('frames come out whole however the bytes were cut', () => {
  fc.assert(
    fc.property(someFrames, fc.array(fc.nat(20)), (frames, sizes) => {
      const bytes = Buffer.concat(frames.map(([letter, body]) => frame(letter, body)));
      const reader = new FrameReader(100);
      const found: [string, number[]][] = [];
      for (const chunk of cut(bytes, sizes)) {
        reader.push(chunk);
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          found.push([String.fromCharCode(next.type), [...next.body]]);
        }
      }
      expect(found).toEqual(frames.map(([letter, body]) => [letter, [...body]]));
      expect(reader.bufferedBytes).toBe(0);
    }),
  );
});

test('splitting what was joined gives the frames back', () => {
  fc.assert(
    fc.property(someFrames, (frames) => {
      const whole = frames.map(([letter, body]) => frame(letter, body));
      const split = [...splitFrames(Buffer.concat(whole))];
      expect(split.map((one) => one.whole)).toEqual(whole);
    }),
  );
});

test('a length that no message has is an error, before the message is there', () => {
  for (const length of [-1, 0, 3, 101, 2 ** 31 - 1]) {
    const reader = new FrameReader(100);
    const head = Buffer.alloc(5, 'Q');
    head.writeInt32BE(length, 1);
    reader.push(head);
    expect(() => reader.next()).toThrow(/4 to 100 bytes/);
  }
  const reader = new FrameReader(100);
  reader.push(Buffer.from('GET / HTTP/1.1\r\n'));
  expect(() => reader.nextStartup()).toThrow(/is this a PostgreSQL client/);
});
