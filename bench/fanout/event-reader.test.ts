import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventReader } from './event-reader.ts';

test('events in chunks of HTTP are counted and read, wherever they are cut', () => {
  const body = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ' '), maxLength: 8 }));
  fc.assert(
    fc.property(
      body,
      fc.array(fc.integer({ min: 1, max: 40 })),
      fc.boolean(),
      (data, cuts, wanted) => {
        const bytes = Buffer.from(
          data.map((text) => `${(text.length + 8).toString(16)}\r\ndata: ${text}\n\n\r\n`).join(''),
        );
        const texts: string[] = [];
        const reader = new EventReader(wanted ? (text) => texts.push(text) : null);
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const end = Math.min(bytes.length, at + cut);
          if (end > at) reader.read(bytes, at, end);
          at = end;
        }
        expect(reader.count).toBe(data.length);
        expect(texts).toEqual(wanted ? data : []);
      },
    ),
  );
});
