import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRecentChange, type RecentChange } from '../stream-ingest/recent-change.ts';
import { readRecording } from '../stream-ingest/recording.ts';
import { mappedDayOf2015, minuteOf2021, recordingsMissing } from '../tests/recordings.ts';
import { columnsOf, materializeType, postgresType } from './columns.ts';
import { type AvroSchema, parseSchema } from './schema.ts';
import { listTopics, readTopicSchemas } from './topic-schemas.ts';

const recordings = recordingsMissing ?? 'recordings found';

test('the folder holds recentchange and example, each a pair; a missing one is named', async () => {
  expect(await listTopics()).toEqual(expect.arrayContaining(['example', 'recentchange']));
  await expect(readTopicSchemas('nosuch')).rejects.toThrow('expected the schema nosuch-key.avsc');
});

test("recentchange has the columns of the engine's own table", async () => {
  const sql = readFileSync(join(import.meta.dirname, '../sql/sources/embedded.sql'), 'utf8');
  const table = /CREATE TABLE recentchange \(\n(.*?)\n\) WITH/s.exec(sql)?.[1] ?? '';
  // When a change arrived is not in its value: the source adds it.
  const lines = table.split('\n').filter((line) => !/^ *(--|arrived )/.test(line));
  const declared = lines.map((line) => {
    const [name = '', type = ''] = line.trim().split(/[\s,]+/);
    // Avro's times have no zone in Materialize.
    return [name.replaceAll('"', ''), type.replace('timestamptz', 'timestamp(3)')];
  });
  const { value } = await readTopicSchemas('recentchange');
  const columns = columnsOf(value);
  expect(columns.map(({ name, type }) => [name, materializeType(type)])).toEqual(declared);
  expect(columns.filter(({ nullable }) => !nullable).map(({ name }) => name)).toEqual(['meta_id']);
});

test('example is as the example system has it, its provenance an addition with a default', async () => {
  const { key, value } = await readTopicSchemas('example');
  expect(columnsOf(key).map(({ name }) => name)).toEqual(['key']);
  expect(
    columnsOf(value).map(({ name, type, nullable }) => [
      name,
      materializeType(type),
      postgresType(type),
      nullable,
    ]),
  ).toEqual([
    ['timestamp', 'text', 'text', true],
    ['data_id', 'text', 'text', true],
    ['value', 'text', 'text', true],
    ['data_provenance', 'text list', 'text[]', true],
  ]);
  expect(value.attribute('archivedIn')).toBe('example_by_key.key');
  // The example system's own schema, before data_provenance.
  const text = ['string', 'null'];
  const theirs = parseSchema(
    JSON.stringify({
      type: 'record',
      name: 'example',
      namespace: 'example',
      fields: ['timestamp', 'data_id', 'value'].map((name) => ({ name, type: text })),
    }),
  );
  const sent = { timestamp: '2021-07-22 03:05:22.139', data_id: 'example:1', value: 'Hello' };
  expect(value.reader(theirs.json)(theirs.encode(sent))).toEqual({
    ...sent,
    data_provenance: null,
  });
  const ours = { ...sent, data_provenance: ['a', 'b'] };
  expect(theirs.reader(value.json)(value.encode(ours))).toEqual(sent);
});

async function changesOf(file: string): Promise<readonly RecentChange[]> {
  const changes: RecentChange[] = [];
  for await (const json of readRecording(file)) {
    const parsed = parseRecentChange(json);
    if (parsed.kind === 'change') changes.push(parsed.change);
  }
  return changes;
}

/** As JSON, which 41,000 times is much faster than `toEqual`. */
function survives(schema: AvroSchema, value: unknown): boolean {
  return JSON.stringify(schema.decode(schema.encode(value))) === JSON.stringify(value);
}

test.skipIf(recordingsMissing !== null)(
  `every field of every recorded change survives the round trip (${recordings})`,
  async () => {
    const { key, value } = await readTopicSchemas('recentchange');
    const seen = new Map<string, Set<string>>();
    for (const file of [minuteOf2021, mappedDayOf2015]) {
      const changes = await changesOf(file);
      expect(changes.length).toBeGreaterThan(1_900);
      for (const change of changes) {
        if (!survives(value, change)) expect(value.decode(value.encode(change))).toEqual(change);
        const page = { wiki: change.wiki, title: change.title };
        if (!survives(key, page)) expect(key.decode(key.encode(page))).toEqual(page);
        const fields = seen.get(change.type ?? '') ?? new Set();
        seen.set(change.type ?? '', fields);
        for (const [name, part] of Object.entries(change)) if (part !== null) fields.add(name);
      }
    }
    expect([...seen.keys()].sort()).toEqual(['142', 'categorize', 'edit', 'log', 'new']);
    expect([...(seen.get('log') ?? [])]).toEqual(
      expect.arrayContaining(['log_id', 'log_type', 'log_action', 'log_params']),
    );
    expect([...(seen.get('edit') ?? [])]).toEqual(
      expect.arrayContaining(['minor', 'length_old', 'revision_new', 'patrolled', 'meta_dt']),
    );
  },
);

test.each([
  ['absent id and user', { type: 'log', wiki: 'w', title: 't' }],
  ['parameters as an object', { type: 'log', log_params: { a: [1, { b: 'ü' }] } }],
  ['parameters as an array', { type: 'log', log_params: [] }],
  ['parameters as a string', { type: 'log', log_params: 'plain' }],
  ['a number as the type', { type: '142', id: 7, user: '~2026-1', bot: false }],
  [
    'the greatest integers',
    { id: 2 ** 53 - 1, namespace: -2, length: { old: 0, new: 2 ** 53 - 1 } },
  ],
  ['text of any script', { user: 'عربي', title: '\u{1F600}"\\', comment: '\ud800' }],
])('an event with %s survives the round trip', async (_, event) => {
  const { value } = await readTopicSchemas('recentchange');
  const parsed = parseRecentChange(JSON.stringify({ ...event, meta: { id: 'x' } }));
  const change = parsed.kind === 'change' ? parsed.change : null;
  expect(value.decode(value.encode(change))).toEqual(change);
});

test('names of columns and types follow Materialize for whatever a topic holds', () => {
  const schema = parseSchema(
    JSON.stringify({
      type: 'record',
      name: 'r',
      fields: [
        { name: 'either', type: ['null', 'int', 'string'] },
        { name: 'kind', type: { type: 'enum', name: 'k', symbols: ['A'] } },
        { name: 'again', type: 'k' },
        { name: 'pairs', type: { type: 'map', values: { type: 'array', items: 'double' } } },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        {
          name: 'inner',
          type: { type: 'record', name: 'i', fields: [{ name: 'x', type: 'bytes' }] },
        },
      ],
    }),
  );
  expect(columnsOf(schema).map(({ name, type }) => [name, materializeType(type)])).toEqual([
    ['either1', 'integer'],
    ['either2', 'text'],
    ['kind', 'text'],
    ['again', 'text'],
    ['pairs', 'map[text => double precision list]'],
    ['at', 'timestamp(6)'],
    ['inner', 'record'],
  ]);
  expect(() => columnsOf(parseSchema('"string"'))).toThrow('expected a record');
});
