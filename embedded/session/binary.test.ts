import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitFrames } from '../wire/frames.ts';
import { parameterText, rowEncoder } from './binary.ts';

const field = (typeOid: number) => ({ name: 'c', typeOid, typeSize: -1, typeModifier: -1 });

function encoded(typeOid: number, text: string): Buffer {
  const bytes = rowEncoder([field(typeOid)], [1])([[Buffer.from(text)]]);
  const [row] = [...splitFrames(bytes)];
  return row?.body.subarray(6) ?? Buffer.alloc(0);
}

/** numeric as PostgreSQL's receiving side reads it. */
function readNumeric(bytes: Buffer): string {
  const [count = 0, weight = 0, sign, scale = 0] = [0, 2, 4, 6].map((at) => bytes.readInt16BE(at));
  let scaled = 0n;
  for (let n = 0; n < count; n++) {
    const power = (weight - n) * 4 + scale + 4;
    scaled += BigInt(bytes.readInt16BE(8 + n * 2)) * 10n ** BigInt(power);
  }
  const digits = String(scaled / 10_000n).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale > 0 ? `.${digits.slice(-scale)}` : '';
  return `${sign === 0x4000 ? '-' : ''}${whole}${fraction}`;
}

test('numeric in binary form is the number it was', () => {
  const number = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 30n }),
      fc.option(fc.stringMatching(/^\d{1,12}$/)),
    )
    .map(
      ([minus, whole, fraction]) =>
        `${minus && whole > 0n ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`,
    );
  fc.assert(
    fc.property(number, (text) => {
      expect(readNumeric(encoded(1700, text))).toBe(text);
    }),
  );
});

test('whole numbers, texts and truth values have their binary forms', () => {
  expect(encoded(20, '-2')).toEqual(Buffer.from('fffffffffffffffe', 'hex'));
  expect(encoded(23, '258')).toEqual(Buffer.from('00000102', 'hex'));
  expect(encoded(16, 't')).toEqual(Buffer.from([1]));
  expect(encoded(25, 'ä')).toEqual(Buffer.from('ä'));
  expect(encoded(3802, '{}')).toEqual(Buffer.from('\u0001{}'));
  expect(() => encoded(1184, '2020-01-01')).toThrow(/Ask|binary form/);
});

test('parameters are read in both forms', () => {
  expect(parameterText(Buffer.from('5'), 0, 0, 1)).toBe('5');
  expect(parameterText(encoded(20, '-7'), 1, 20, 1)).toBe('-7');
  expect(parameterText(encoded(16, 'f'), 1, 16, 1)).toBe('f');
  expect(parameterText(null, 1, 0, 1)).toBeNull();
  expect(() => parameterText(Buffer.from('x'), 1, 0, 3)).toThrow('parameter $3');
});
