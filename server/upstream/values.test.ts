import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowText } from '../../protocol/row.ts';
import type { Json } from '../../protocol/update.ts';
import { converterOf } from './values.ts';

const CASES: readonly (readonly [type: string, oid: number, text: string | null, value: Json])[] = [
  ['NULL of any type', 20, null, null],
  ['bool', 16, 't', true],
  ['bool', 16, 'f', false],
  ['int2', 21, '-7', -7],
  ['int4', 23, '2147483647', 2147483647],
  ['int8', 20, '9007199254740991', 9007199254740991],
  ['int8 beyond 2^53 − 1', 20, '9007199254740992', '9007199254740992'],
  ['int8, the least', 20, '-9223372036854775808', '-9223372036854775808'],
  ['uint8', 16464, '18446744073709551615', '18446744073709551615'],
  ['mz_timestamp', 16552, '1656633600000', 1656633600000],
  ['oid', 26, '42', 42],
  ['float8', 701, '1e+300', 1e300],
  ['float8', 701, '0.1', 0.1],
  ['float8', 701, 'NaN', 'NaN'],
  ['float4', 700, '-Infinity', '-Infinity'],
  ['numeric', 1700, '12.5', 12.5],
  ['numeric with a scale', 1700, '1.10', 1.1],
  ['numeric that a double loses', 1700, '0.1000000000000000055', '0.1000000000000000055'],
  ['numeric, whole and large', 1700, '100000000000000000000', '100000000000000000000'],
  ['numeric, small', 1700, '0.0000001', 1e-7],
  ['numeric', 1700, 'NaN', 'NaN'],
  ['text', 25, '', ''],
  ['text', 25, 'null', 'null'],
  ['varchar', 1043, 'é "x"', 'é "x"'],
  ['jsonb', 3802, '{"a": [1, 2.5, null]}', { a: [1, 2.5, null] }],
  ['jsonb null', 3802, 'null', null],
  ['jsonb with a large number', 3802, '{"a": 12345678901234567890}', '{"a": 12345678901234567890}'],
  [
    'jsonb with digits in a text',
    3802,
    '{"a": "12345678901234567890"}',
    { a: '12345678901234567890' },
  ],
  ['json string that reads like one', 114, '"12345678901234567890"', '"12345678901234567890"'],
  ['json string', 114, '"plain"', 'plain'],
  ['timestamp', 1114, '2022-07-01 00:00:00', '2022-07-01T00:00:00'],
  ['timestamp', 1114, '2022-07-01 00:00:00.12', '2022-07-01T00:00:00.12'],
  ['timestamp', 1114, 'infinity', 'infinity'],
  ['timestamptz', 1184, '2022-07-01 00:00:00.123456+00', '2022-07-01T00:00:00.123456Z'],
  ['timestamptz elsewhere', 1184, '2022-07-01 01:30:00.5+02', '2022-06-30T23:30:00.5Z'],
  ['timestamptz elsewhere', 1184, '2022-07-01 01:30:00-03:30', '2022-07-01T05:00:00Z'],
  ['timestamptz BC', 1184, '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'],
  ['date', 1082, '2022-07-01', '2022-07-01'],
  ['time', 1083, '12:00:00', '12:00:00'],
  ['interval', 1186, '1 day 02:00:00', '1 day 02:00:00'],
  ['bytea', 17, '\\x00ff', 'AP8='],
  ['uuid', 2950, '9e6f6f42-5d4c-4d0e-8a4e-3a3b7a8d1c11', '9e6f6f42-5d4c-4d0e-8a4e-3a3b7a8d1c11'],
  ['text[]', 1009, '{a,"b,c",NULL,"NULL","q\\"\\\\"}', ['a', 'b,c', null, 'NULL', 'q"\\']],
  [
    'int4[][]',
    1007,
    '{{1,2},{3,4}}',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['empty array', 1007, '{}', []],
  ['array with bounds of its own', 1007, '[0:1]={1,2}', '[0:1]={1,2}'],
  ['bool[]', 1000, '{t,f,NULL}', [true, false, null]],
  ['jsonb[]', 3807, '{"{\\"a\\": 1}"}', [{ a: 1 }]],
  ['timestamptz[]', 1185, '{"2022-07-01 00:00:00+00"}', ['2022-07-01T00:00:00Z']],
  ['list', 16384, '{a,{b,NULL}}', ['a', ['b', null]]],
  ['map', 16385, '{a=>1,"b c"=>"x=>y",c=>NULL}', { a: '1', 'b c': 'x=>y', c: null }],
  ['map of maps', 16385, '{a=>{b=>c},d=>{}}', { a: { b: 'c' }, d: {} }],
  ['record', 2249, '(a,b)', '(a,b)'],
  ['a type that is not known', 20001, '{a}', '{a}'],
];

test.each(CASES)('%s (%i): %s', (_, oid, text, value) => {
  expect(converterOf(oid)(text)).toEqual(value);
});

test('every int8 keeps its value, and different ones stay different', () => {
  const convert = converterOf(20);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
      const value = convert(String(n));
      expect(BigInt(value as number | string)).toBe(n);
      expect(typeof value).toBe(-(2n ** 53n) < n && n < 2n ** 53n ? 'number' : 'string');
    }),
  );
});

/** A decimal as a multiple of 10^-60. */
function scaled(text: string): bigint {
  const [mantissa = '', power = '0'] = text.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(60 - fraction.length + Number(power));
}

test('every numeric keeps its value, and equal ones meet unless a double loses them', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0159'), minLength: 1, maxLength: 22 });
  const convert = converterOf(1700);
  fc.assert(
    fc.property(fc.constantFrom('', '-'), digits, digits, (sign, whole, fraction) => {
      const text = `${sign}${whole}.${fraction}`;
      const value = convert(text);
      expect(scaled(String(value))).toBe(scaled(text));
      if (typeof value === 'number') expect(convert(`${text}00`)).toBe(value);
    }),
    { numRuns: 1_000 },
  );
});

test('different texts of a text array never meet', () => {
  const element = fc.option(
    fc.string({ unit: fc.constantFrom('a', ',', '"', '{', '}', '\\', 'NULL', ' ') }),
  );
  const print = (list: readonly (string | null)[]) =>
    `{${list.map((it) => (it === null ? 'NULL' : `"${it.replace(/["\\]/g, '\\$&')}"`)).join()}}`;
  fc.assert(
    fc.property(fc.array(element), (list) => {
      expect(converterOf(1009)(print(list))).toEqual(list);
    }),
  );
});

test('different jsonb values never meet, also those that travel as text', () => {
  const scalar = fc.oneof(
    fc.constantFrom('1', '12345678901234567890', '1e400', '0.1', 'true', 'null'),
    fc
      .constantFrom('12345678901234567890', '"12345678901234567890"', 'x')
      .map((s) => JSON.stringify(s)),
  );
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 2 }).map((items) => `[${items.join(', ')}]`),
    fc.array(scalar, { maxLength: 2 }).map((items) => JSON.stringify(`[${items.join(', ')}]`)),
    scalar.map((it) => JSON.stringify(JSON.stringify(it))),
  );
  const convert = converterOf(3802);
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(rowText([convert(a)]) === rowText([convert(b)])).toBe(a === b);
    }),
    { numRuns: 2_000 },
  );
});

test('a text that is no array is refused', () => {
  expect(() => converterOf(1009)('{a')).toThrow('expected }');
  expect(() => converterOf(1009)('{a}b')).toThrow('expected the end');
});
