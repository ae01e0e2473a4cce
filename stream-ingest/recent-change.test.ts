import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  mappedDayOf2015,
  minuteOf2021,
  readUnpacked,
  recordingsMissing,
} from '../tests/recordings.ts';
import { parseStandInEvents } from '../tests/wikimedia-stand-in.ts';
import { parseRecentChange, type RecentChange } from './recent-change.ts';

function changeOf(event: unknown): RecentChange {
  const parsed = parseRecentChange(JSON.stringify(event));
  if (parsed.kind !== 'change') throw new Error(`expected a change, got ${JSON.stringify(parsed)}`);
  return parsed.change;
}

const event = { $schema: '/mediawiki/recentchange/1.0.0', meta: { id: 'a', domain: 'x.org' } };

test('an event with nothing but what the schema requires is a change', () => {
  const change = changeOf(event);
  expect(change.meta_id).toBe('a');
  expect(change.user).toBeNull();
  expect(change.id).toBeNull();
  expect(change.r_schema).toBe('/mediawiki/recentchange/1.0.0');
});

test('canaries and what is no event are told apart', () => {
  expect(parseRecentChange('{"meta":{"domain":"canary","id":"c"}}').kind).toBe('canary');
  for (const json of ['', '{', '[]', '3', 'null', '{}', '{"meta":[]}', '{"meta":null}']) {
    expect(parseRecentChange(json).kind, json).toBe('malformed');
  }
});

test('log_params may be an object, an array or a string', () => {
  expect(changeOf({ ...event, log_params: { a: 1 } }).log_params).toBe('{"a":1}');
  expect(changeOf({ ...event, log_params: [] }).log_params).toBe('[]');
  expect(changeOf({ ...event, log_params: 'a' }).log_params).toBe('a');
  expect(changeOf({ ...event, log_params: 'x'.repeat(20_000) }).log_params).toBeNull();
});

test('numbers beyond four bytes are kept, those a double loses are not', () => {
  expect(changeOf({ ...event, id: 3_000_000_000 }).id).toBe(3_000_000_000);
  expect(changeOf({ ...event, id: 1.5 }).id).toBeNull();
  const parsed = parseRecentChange('{"meta":{"id":"a"},"id":90071992547409931}');
  expect(parsed).toMatchObject({ kind: 'change', change: { id: null } });
});

test('times that no calendar holds are left out', () => {
  expect(changeOf({ meta: { id: 'a', dt: '2021-08-27T13:20:17Z' } }).meta_dt).toBe(
    '2021-08-27T13:20:17.000Z',
  );
  for (const dt of ['yesterday', '+275760-09-13T00:00:00Z', '', 7, null]) {
    expect(changeOf({ meta: { id: 'a', dt } }).meta_dt).toBeNull();
  }
});

test('an event without an id of its own gets one that a repetition gets too', () => {
  const place = { topic: 'eqiad', partition: 0, offset: 7 };
  expect(changeOf({ meta: place }).meta_id).toBe('eqiad/0/7');
  const hashed = changeOf({ meta: {}, title: 'A' }).meta_id;
  expect(hashed).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(changeOf({ meta: {}, title: 'A' }).meta_id).toBe(hashed);
  expect(changeOf({ meta: {}, title: 'B' }).meta_id).not.toBe(hashed);
  expect(changeOf({ meta: { id: 'x'.repeat(5000) } }).meta_id).toMatch(/^sha256:/);
});

test('whatever comes, texts are what PostgreSQL takes and bounded, and nothing throws', () => {
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary', maxLength: 9000 }));
  const fields = fc.record(
    { user: value, title: value, comment: value, id: value, length: value, log_params: value },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fields, value, (given, dt) => {
      const change = changeOf({ ...given, meta: { id: 'a', dt } });
      for (const field of Object.values(change)) {
        if (typeof field === 'number') expect(Number.isSafeInteger(field)).toBe(true);
        if (typeof field !== 'string') continue;
        expect(field).not.toContain('\0');
        expect(Buffer.from(field).toString()).toBe(field);
        expect(field.length).toBeLessThanOrEqual(16_384);
      }
    }),
  );
});

test.skipIf(recordingsMissing !== null)(
  `all recorded events are changes (${recordingsMissing ?? 'recordings found'})`,
  () => {
    const minute = parseStandInEvents(readUnpacked(minuteOf2021)).map((each) => each.json);
    const day = readUnpacked(mappedDayOf2015).trimEnd().split('\n');
    const ids = (texts: readonly string[]) =>
      new Set(texts.map((json) => changeOf(JSON.parse(json)).meta_id)).size;
    expect([minute.length, ids(minute)]).toEqual([1950, 1950]);
    expect([day.length, ids(day)]).toEqual([39_244, 39_244]);
  },
);
