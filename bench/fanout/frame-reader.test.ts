import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, serverFrame } from './frame-reader.ts';

function reading(wanted: boolean) {
  const texts: string[] = [];
  const counts = { pings: 0, closes: 0, code: 0 };
  const reader = new FrameReader({
    ping: () => {
      counts.pings += 1;
    },
    closed: (code) => {
      counts.code = code;
      counts.closes += 1;
    },
    text: wanted ? (text) => texts.push(text) : null,
  });
  return { reader, texts, counts };
}

const message = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.integer({ min: 100, max: 3_000 }).map((length) => 'x'.repeat(length)),
);

test('frames are counted and read whole, wherever the chunks are cut', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.nat(3_000), { maxLength: 12 }),
      fc.boolean(),
      (messages, sizes, wanted) => {
        const bytes = Buffer.concat(messages.map(serverFrame));
        const { reader, texts } = reading(wanted);
        let at = 0;
        for (const size of sizes) {
          const end = Math.min(bytes.length, at + size);
          reader.read(bytes, at, end);
          at = end;
        }
        for (; at < bytes.length; at++) reader.read(bytes, at, at + 1);
        expect(reader.count).toBe(messages.length);
        expect(texts).toEqual(wanted ? messages : []);
      },
    ),
  );
});

test('pings and closes are told and not counted', () => {
  const { reader, counts } = reading(false);
  const bytes = Buffer.from([0x89, 0, 0x89, 2, 1, 2, 0x88, 2, 3, 232, 0x81, 1, 65]);
  for (let at = 0; at < bytes.length; at++) reader.read(bytes, at, at + 1);
  expect({ ...counts, frames: reader.count }).toEqual({
    pings: 2,
    closes: 1,
    code: 1000,
    frames: 1,
  });
});

test('with a mark only frames that have it count, wherever the chunks are cut', () => {
  const bytes = Buffer.concat(['xxb', 'xxa', 'b', 'xxbxx'].map(serverFrame));
  for (let size = 1; size <= bytes.length; size++) {
    const none = { ping: () => {}, closed: () => {}, text: null };
    const reader = new FrameReader(none, { at: 2, byte: 0x62 });
    for (let at = 0; at < bytes.length; at += size) {
      reader.read(bytes, at, Math.min(bytes.length, at + size));
    }
    expect(reader.count).toBe(2);
  }
});

test('a frame of 100,000 bytes has its length in eight', () => {
  const { reader } = reading(false);
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xa0]);
  const bytes = Buffer.concat([head, Buffer.alloc(100_000), serverFrame('after')]);
  reader.read(bytes, 0, bytes.length);
  expect(reader.count).toBe(2);
});
