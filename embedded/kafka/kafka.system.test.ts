import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Core } from '../core.ts';
import { makeView, openCore, Reader, run } from '../core-probe.ts';
import { parseStatement } from '../dialect/parse.ts';
import { splitStatements } from '../lexer.ts';
import { MemoryTopics } from './memory-topics.ts';
import type { SourceNotice } from './sources.ts';

let core: Core | undefined;
let folder: string | undefined;
afterEach(async () => {
  await core?.close();
  core = undefined;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

const notices: SourceNotice[] = [];

async function open(
  topics: MemoryTopics,
  options: Parameters<typeof openCore>[0] = {},
): Promise<Core> {
  core = await openCore({
    ...options,
    kafka: topics,
    onSource: (notice) => notices.push(notice),
  });
  return core;
}

/** Runs statements of the dialect as a session would; returns the notices. */
async function define(opened: Core, sql: string): Promise<readonly (string | null)[]> {
  const told: (string | null)[] = [];
  for (const text of splitStatements(sql)) {
    const statement = parseStatement(text);
    if (statement.kind === 'create-kafka') {
      told.push(await opened.catalog.createKafka(statement.request));
    } else if (statement.kind === 'drop') {
      const { what, names, ifExists, cascade } = statement;
      await opened.catalog.drop({ kind: what, names, ifExists, cascade });
    } else throw new Error(`a ${statement.kind} statement`);
  }
  return told;
}

const CONNECTIONS = `
  CREATE SECRET pass AS 'word';
  CREATE CONNECTION kafka TO KAFKA (BROKERS ('a:9092', 'b:9092'), SECURITY PROTOCOL PLAINTEXT);
  CREATE CONNECTION registry TO CONFLUENT SCHEMA REGISTRY
    (URL 'http://registry:8081', USERNAME 'me', PASSWORD SECRET pass);
  CREATE SOURCE s FROM KAFKA CONNECTION kafka (TOPIC 't');`;
const PLAIN = `${CONNECTIONS}
  CREATE TABLE t FROM SOURCE s (REFERENCE "t") FORMAT TEXT INCLUDE PARTITION, OFFSET;`;

const until = (opened: Core, sql: string, rows: readonly (readonly string[])[]) =>
  expect.poll(() => run(opened, sql), { timeout: 10_000 }).toEqual(rows);

async function readingOf(opened: Core, name: string): Promise<string | null | undefined> {
  return (await opened.catalog.relations()).find((each) => each.name === name)?.reading;
}

test('each message becomes a row of the columns that the schemas and INCLUDE say', async () => {
  const topics = new MemoryTopics();
  const key = topics.register('t-key', {
    type: 'record',
    name: 'k',
    fields: [{ name: 'key', type: 'string' }],
  });
  const value = topics.register('t-value', {
    type: 'record',
    name: 'v',
    fields: [
      { name: 'text', type: ['null', 'string'] },
      { name: 'wide', type: 'long' },
      { name: 'list', type: ['null', { type: 'array', items: 'string' }] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'part', type: { type: 'record', name: 'p', fields: [{ name: 'a', type: 'bytes' }] } },
      { name: 'either', type: ['null', 'string', 'boolean'] },
    ],
  });
  const opened = await open(topics);
  const [notice] = (
    await define(
      opened,
      `${CONNECTIONS} CREATE TABLE t FROM SOURCE s (REFERENCE "t")
       FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY CONNECTION registry
       INCLUDE KEY, OFFSET, TIMESTAMP AS appended ENVELOPE NONE`,
    )
  ).slice(-1);
  expect(notice).toBe('jsonb here, and a record, map or nested list on Materialize: part');
  const hard = { text: 'a\\b\tc\nd\0e\u2028"{', wide: '9007199254740993', list: ['a"b', '\\', ''] };
  topics.append('t', {
    key: topics.encode(key, { key: 'one' }),
    value: topics.encode(value, {
      ...hard,
      at: '2021-08-27T13:20:17.123Z',
      part: { a: Buffer.from('hi') },
      either: true,
    }),
    timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  });
  await until(
    opened,
    `SELECT key, text, wide, list[1], list[2], list[3], at, part, either1, either2, "offset", appended FROM t`,
    [
      [
        'one',
        'a\\b\tc\nd\ufffde\u2028"{',
        '9007199254740993',
        'a"b',
        '\\',
        '',
        '2021-08-27 13:20:17.123',
        '{"a": "aGk="}',
        'NULL',
        't',
        '0',
        '2026-01-02 03:04:05.678',
      ],
    ],
  );
  const columns = await opened.catalog.columns('t');
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'key text',
    'text text',
    'wide bigint',
    'list text[]',
    'at timestamp without time zone',
    'part jsonb',
    'either1 text',
    'either2 boolean',
    'offset bigint',
    'appended timestamp without time zone',
  ]);
});

test('an older and a newer writer are read as the schema that was there at CREATE', async () => {
  const topics = new MemoryTopics();
  const fields = [{ name: 'a', type: 'int' }];
  const older = topics.register('t-value', { type: 'record', name: 'v', fields });
  const middle = topics.register('t-value', {
    type: 'record',
    name: 'v',
    fields: [...fields, { name: 'b', type: ['null', 'string'], default: null }],
  });
  const opened = await open(topics);
  await define(
    opened,
    `CREATE SOURCE t FROM KAFKA BROKER 'a:9092' TOPIC 't'
     FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY 'http://registry:8081' INCLUDE OFFSET`,
  );
  const newer = topics.register('t-value', {
    type: 'record',
    name: 'v',
    fields: [
      ...fields,
      { name: 'b', type: ['null', 'string'], default: null },
      { name: 'c', type: 'int', default: 0 },
    ],
  });
  for (const [id, value] of [
    [older, { a: 1 }],
    [middle, { a: 2, b: 'x' }],
    [newer, { a: 3, b: 'y', c: 4 }],
  ] as const) {
    topics.append('t', { value: topics.encode(id, value) });
  }
  await until(opened, 'SELECT a, b, "offset" FROM t ORDER BY a', [
    ['1', 'NULL', '0'],
    ['2', 'x', '1'],
    ['3', 'y', '2'],
  ]);
  expect((await opened.catalog.relations()).map(({ name, kind }) => [name, kind])).toEqual([
    ['t', 'source'],
  ]);
});

test('a message that cannot be read stops its table after those before it, and no other', async () => {
  const topics = new MemoryTopics();
  const opened = await open(topics);
  await define(
    opened,
    `${CONNECTIONS}
     CREATE TABLE j FROM SOURCE s (REFERENCE "t") FORMAT JSON;
     CREATE TABLE t FROM SOURCE s (REFERENCE "t") FORMAT TEXT`,
  );
  for (const text of ['{"a": 1.10, "b": "\\u0000"}', '{"a":', '{}']) {
    topics.append('t', { value: Buffer.from(text) });
  }
  await until(opened, 'SELECT count(*) FROM t', [['3']]);
  await until(opened, 'SELECT data FROM j', [['{"a": 1.10, "b": "\ufffd"}']]);
  await expect
    .poll(() => readingOf(opened, 'j'))
    .toMatch(/^stopped: the message at offset 1 of partition 0 cannot be read: .*JSON/);
  expect(await readingOf(opened, 't')).toBe('reading');
  expect(await readingOf(opened, 's')).toMatch(/^j: stopped: .*; t: reading$/);
});

test('a broker, a registry or a refusing view makes a table wait, and it goes on by itself', async () => {
  const topics = new MemoryTopics();
  const id = topics.register('t-value', {
    type: 'record',
    name: 'v',
    fields: [{ name: 'a', type: 'int' }],
  });
  const opened = await open(topics);
  await define(
    opened,
    `${CONNECTIONS} CREATE TABLE t FROM SOURCE s (REFERENCE "t")
     FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY CONNECTION registry`,
  );
  topics.registryAway = 'no answer';
  topics.append('t', { value: topics.encode(id, { a: 1 }) });
  await expect.poll(() => readingOf(opened, 't')).toBe('waiting: no answer');
  topics.registryAway = null;
  await until(opened, 'SELECT a FROM t', [['1']]);
  topics.away('connection refused');
  await expect.poll(() => readingOf(opened, 't')).toBe('waiting: connection refused');
  topics.append('t', { value: topics.encode(id, { a: 0 }) });
  topics.away(null);
  await until(opened, 'SELECT a FROM t ORDER BY a', [['0'], ['1']]);
  await makeView(opened, 'v', 'SELECT a, sum(1 / (a - 2)) AS s FROM t GROUP BY a');
  topics.append('t', { value: topics.encode(id, { a: 2 }) });
  await expect
    .poll(() => readingOf(opened, 't'))
    .toMatch(/^waiting: the rows cannot be stored: division by zero/);
  for (const a of [3, 4]) topics.append('t', { value: topics.encode(id, { a }) });
  await define(opened, 'DROP VIEW v');
  await until(opened, 'SELECT count(*) FROM t', [['5']]);
});

test('a topic that is not the one it was stops the table instead of leaving out', async () => {
  const topics = new MemoryTopics();
  const opened = await open(topics);
  await define(opened, PLAIN);
  topics.append('t', { value: Buffer.from('a') });
  await until(opened, 'SELECT text FROM t', [['a']]);
  topics.recreate('t');
  await expect.poll(() => readingOf(opened, 't')).toMatch(/^stopped: the topic ends before/);
  await define(opened, 'DROP TABLE t');
  await define(opened, PLAIN.slice(PLAIN.lastIndexOf('CREATE TABLE')));
  topics.append('t', { value: Buffer.from('b') });
  await until(opened, 'SELECT text, "offset" FROM t', [['b', '0']]);
});

test('what fills a table is dropped only with it, and nobody else writes to it', async () => {
  const topics = new MemoryTopics();
  const opened = await open(topics);
  await define(opened, PLAIN);
  await makeView(opened, 'v', 'SELECT count(*) AS n FROM t');
  await expect(define(opened, 'DROP SOURCE s')).rejects.toThrow('"t" depends on it');
  await expect(define(opened, 'DROP SECRET pass')).rejects.toThrow('"registry" depends on it');
  await expect(define(opened, 'DROP TABLE s')).rejects.toThrow('"s" is not a table');
  await expect(run(opened, `INSERT INTO t VALUES ('x', 0, 0)`)).rejects.toThrow(
    'cannot write to "t": it is filled from Kafka',
  );
  await define(opened, 'DROP CONNECTION kafka CASCADE');
  expect((await opened.catalog.relations()).map(({ name }) => name).toSorted()).toEqual([
    'pass',
    'registry',
  ]);
});

test('a table lets go of old rows as it says, and counts keep what they counted', async () => {
  const topics = new MemoryTopics();
  topics.batch = 10;
  const opened = await open(topics, { housekeepingMs: 30 });
  await define(
    opened,
    `${CONNECTIONS}
     CREATE TABLE kept FROM SOURCE s FORMAT TEXT;
     CREATE TABLE t FROM SOURCE s FORMAT TEXT INCLUDE OFFSET
       /* engine: WITH (RETAIN ROWS 10, RETAIN FOR '0 s') */ ENVELOPE NONE`,
  );
  await makeView(opened, 'v', 'SELECT count(*) AS n FROM t');
  let sent = 0;
  for (let oldest = 0; oldest < 20; ) {
    topics.append('t', { value: Buffer.from(`${sent++}`) });
    oldest = Number((await run(opened, 'SELECT coalesce(min("offset"), 0) FROM t'))[0]?.[0]);
  }
  await until(opened, 'SELECT n FROM v', [[`${sent}`]]);
  await until(opened, 'SELECT count(*) FROM kept', [[`${sent}`]]);
});

test('of a key the last message counts, a message without a value removes it', async () => {
  const topics = new MemoryTopics();
  const opened = await open(topics);
  await define(
    opened,
    `CREATE CONNECTION kafka TO KAFKA (BROKER 'a:9092');
     CREATE SOURCE s FROM KAFKA CONNECTION kafka (TOPIC 't');
     CREATE TABLE t FROM SOURCE s (REFERENCE "t") KEY FORMAT TEXT VALUE FORMAT TEXT ENVELOPE UPSERT`,
  );
  await makeView(opened, 'v', 'SELECT text, count(*) AS n FROM t GROUP BY text');
  const reader = await Reader.open(opened, 'v');
  const message = fc.record({
    key: fc.constantFrom('a', 'b', '\t\\', 'c'),
    value: fc.option(fc.constantFrom('1', '2', '3'), { freq: 3 }),
  });
  const held = new Map<string, string>();
  let rounds = 100;
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 30 }), async (messages) => {
      topics.batch = 1 + (messages.length % 7);
      for (const { key, value } of messages) {
        if (value === null) held.delete(key);
        else held.set(key, value);
        topics.append('t', { key: Buffer.from(key), value: value && Buffer.from(value) });
      }
      // The same state may come twice: the last message says which time it is.
      held.set('~', `${rounds++}`);
      topics.append('t', { key: Buffer.from('~'), value: Buffer.from(held.get('~') ?? '') });
      const rows = [...held].toSorted(([a], [b]) => (a < b ? -1 : 1));
      await until(opened, 'SELECT key, text FROM t ORDER BY key COLLATE "C"', rows);
      const now = await opened.now();
      await reader.until(now);
      const values = [...held.values()];
      const counts = [...new Set(values)].map(
        (value) => `${value}|${values.filter((each) => each === value).length}`,
      );
      expect(reader.at(now)).toEqual(counts.toSorted());
    }),
    { numRuns: 15 },
  );
  await expect(
    define(
      opened,
      `CREATE TABLE u FROM SOURCE s KEY FORMAT TEXT VALUE FORMAT TEXT ENVELOPE UPSERT
       WITH (RETAIN ROWS 10)`,
    ),
  ).rejects.toThrow('RETAIN is not for ENVELOPE UPSERT');
});

test('whenever the engine ends, each message counts once', async () => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-kafka-'));
  const store = join(folder, 'store');
  const topics = new MemoryTopics();
  topics.batch = 7;
  topics.repeat = 3;
  let opened = await open(topics, { folder: store });
  await define(opened, PLAIN);
  await makeView(
    opened,
    'v',
    'SELECT partition, count(*) AS n, sum("offset") AS s FROM t GROUP BY partition',
  );
  let sent = 0;
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 100; n++) topics.append('t', { value: Buffer.from(`${sent++}`) }, n % 2);
    // Somewhere between the first and the last commit of the round.
    await expect
      .poll(async () => Number((await run(opened, 'SELECT count(*) FROM t'))[0]?.[0]))
      .toBeGreaterThan(round * 100);
    await opened.close();
    opened = await open(topics, { folder: store });
  }
  const half = sent / 2;
  const sum = (half * (half - 1)) / 2;
  await until(opened, 'SELECT partition, n, s FROM v ORDER BY 1', [
    ['0', `${half}`, `${sum}`],
    ['1', `${half}`, `${sum}`],
  ]);
  await until(opened, 'SELECT count(*), count(DISTINCT text) FROM t', [[`${sent}`, `${sent}`]]);
});
