import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AvroError } from './avro-error.ts';
import { frame, unframe } from './frame.ts';
import { parseSchema } from './schema.ts';

const record = (fields: readonly object[]) =>
  parseSchema(JSON.stringify({ type: 'record', name: 'r', fields }));
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const nullable = (name: string, type: unknown) => field(name, ['null', type], { default: null });

const everything = record([
  field('text', 'string'),
  field('flag', 'boolean'),
  field('small', 'int'),
  field('wide', 'long'),
  field('real', 'double'),
  field('colour', { type: 'enum', name: 'colour', symbols: ['RED', 'GREEN'] }),
  field('list', { type: 'array', items: 'long' }),
  field('map', { type: 'map', values: ['null', 'string'] }),
  field('inner', { type: 'record', name: 'inner', fields: [nullable('at', 'long')] }),
  nullable('ms', { type: 'long', logicalType: 'timestamp-millis' }),
  nullable('micros', { type: 'long', logicalType: 'timestamp-micros' }),
  nullable('day', { type: 'int', logicalType: 'date' }),
]);

const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** As viewcast's JSON holds an integer: exact as a number, or its text. */
const asJson = (integer: bigint) =>
  Number.isSafeInteger(Number(integer)) ? Number(integer) : String(integer);
const long = fc
  .oneof(wide, fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }), fc.bigInt({ min: -70n, max: 70n }))
  .map(asJson);
const instant = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const recent = fc.date({
  min: new Date('1700-01-01T00:00:00Z'),
  max: new Date('2200-01-01T00:00:00Z'),
  noInvalidDate: true,
});

const values = fc.record({
  text: fc.string({ unit: 'binary' }),
  flag: fc.boolean(),
  small: fc.integer(),
  wide: long,
  real: fc.double({ noNaN: true }),
  colour: fc.constantFrom('RED', 'GREEN'),
  list: fc.array(long),
  // Refused: see below.
  map: fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.option(fc.string()),
  ),
  inner: fc.record({ at: fc.option(long) }),
  ms: fc.option(instant.map((date) => date.toISOString())),
  micros: fc.option(recent.map((date) => date.toISOString().replace('Z', '042Z'))),
  day: fc.option(instant.map((date) => date.toISOString().slice(0, 10))),
});

test('every value comes back as it went in, through the frame and through another writer', () => {
  const reread = everything.reader(everything.json);
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value, id) => {
      expect(everything.check(value)).toEqual([]);
      const { schemaId, body } = unframe(frame(id, everything.encode(value)));
      expect(schemaId).toBe(id);
      expect(everything.decode(body)).toEqual(value);
      expect(reread(body)).toEqual(value);
    }),
  );
});

test('a key that would be lost is refused', () => {
  const map = JSON.parse('{"one": "1", "__proto__": "2"}');
  const schema = record([field('map', { type: 'map', values: 'string' })]);
  const misfit = { path: 'map.__proto__', expected: 'a key of another name', came: '"2" (string)' };
  expect(schema.check({ map })).toEqual([misfit]);
  expect(() => schema.encode({ map })).toThrow('map.__proto__');
});

test('longs are exact at their ends, and beyond them nothing passes', () => {
  const schema = record([field('n', 'long')]);
  const through = (n: unknown) => schema.decode(schema.encode({ n }));
  for (const n of [2 ** 53 - 1, -(2 ** 53 - 1), 0, -1, 2 ** 30, -(2 ** 30), 2 ** 31, -(2 ** 31)]) {
    expect(through(n)).toEqual({ n });
  }
  for (const n of ['9007199254740992', '-9223372036854775808', '9223372036854775807']) {
    expect(through(n)).toEqual({ n });
    expect(through(BigInt(n))).toEqual({ n });
  }
  expect(through(5n)).toEqual({ n: 5 });
  for (const n of [2 ** 53, 1.5, Number.NaN, '9223372036854775808', '5', '1e20', 2n ** 63n, null]) {
    expect(schema.check({ n }).map(({ path }) => path)).toEqual(['n']);
  }
});

test('a misfit names the field, what was expected, and what came', () => {
  const schema = record([
    field('id', 'string'),
    nullable('count', 'long'),
    nullable('at', { type: 'long', logicalType: 'timestamp-millis' }),
    field('parts', { type: 'array', items: 'string' }),
  ]);
  expect(
    schema.check({ count: 'many', at: '2021-02-31T00:00:00Z', parts: ['a', 7], user: 1 }),
  ).toEqual([
    { path: 'user', expected: 'no such field', came: '1 (number)' },
    { path: 'id', expected: 'string', came: 'nothing' },
    { path: 'count', expected: 'null or long', came: '"many" (string)' },
    {
      path: 'at',
      expected: 'null or a time such as 2021-08-27T13:20:17.123Z',
      came: '"2021-02-31T00:00:00Z" (string)',
    },
    { path: 'parts.1', expected: 'string', came: '7 (number)' },
  ]);
  expect(() => schema.encode({ id: 'a', parts: [], typo: null })).toThrow(
    '"typo": expected no such field, got null',
  );
  for (const value of [null, 7, 'text', [], undefined]) {
    expect(schema.check(value), String(value)).not.toEqual([]);
  }
});

test('whatever JSON comes, check and encode agree, and only misfits are thrown', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const fits = everything.check(value).length === 0;
      try {
        everything.encode(value);
        expect(fits).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(AvroError);
        expect(fits).toBe(false);
      }
    }),
  );
});

test('what is cut, longer or unframed is refused', () => {
  const schema = record([field('text', 'string'), field('n', 'long')]);
  const bytes = schema.encode({ text: 'some text', n: '9007199254740993' });
  for (let n = 0; n < bytes.length; n += 1) {
    expect(() => schema.decode(bytes.subarray(0, n)), String(n)).toThrow(AvroError);
  }
  expect(() => schema.decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(AvroError);
  expect(() => unframe(bytes)).toThrow("expected Confluent's framing");
  expect(() => unframe(Buffer.from([0, 0, 0]))).toThrow(AvroError);
});

test('an older writer gets defaults, a later one is projected, an unreadable one is refused', () => {
  const older = record([field('a', 'int')]);
  const now = record([field('a', 'long'), nullable('b', 'string')]);
  const later = record([field('a', 'long'), nullable('b', 'string'), field('c', 'string')]);
  expect(now.reader(older.json)(older.encode({ a: 3 }))).toEqual({ a: 3, b: null });
  const a = '-9007199254740993';
  expect(now.reader(later.json)(later.encode({ a, b: 'x', c: 'y' }))).toEqual({ a, b: 'x' });
  const real = record([field('a', 'double')]);
  expect(real.reader(now.json)(now.encode({ a: 7 }))).toEqual({ a: 7 });
  const other = record([field('a', 'string')]);
  expect(() => now.reader(other.json)).toThrow(AvroError);
});

test('a schema that cannot be is refused with its reason', () => {
  expect(() => parseSchema('{')).toThrow('expected an Avro schema as JSON');
  expect(() => parseSchema('{"type":"record"}')).toThrow(AvroError);
  expect(() => parseSchema('"nosuch"')).toThrow('undefined type name: nosuch');
});

test('attributes that Avro does not know are kept', () => {
  const schema = parseSchema('{"type":"record","name":"r","archivedIn":"v.c","fields":[]}');
  expect(schema.attribute('archivedIn')).toBe('v.c');
  expect(schema.attribute('other')).toBe(null);
});
