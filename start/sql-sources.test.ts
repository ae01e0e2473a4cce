import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseStatement } from '../embedded/dialect/parse.ts';
import { splitStatements } from '../embedded/lexer.ts';
import { listSqlFiles, readSqlFiles } from './sql-folder.ts';
import { deriveSources, putAddresses, readPairs, type SourcesChoice } from './sql-sources.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const addresses = { kafka: "a:9092, b'b:9092", registry: 'http://registry:8081' };

const slot = (name: string): string => `$\{${name}}`;

test('addresses stand as one text within quotes and as a list outside of them', () => {
  const kafka = slot('VIEWCAST_KAFKA');
  expect(putAddresses(`BROKERS (${kafka}) '${kafka}'`, addresses)).toBe(
    "BROKERS ('a:9092', 'b''b:9092') 'a:9092, b''b:9092'",
  );
  expect(putAddresses(slot('OTHER'), addresses)).toBe(slot('OTHER'));
});

const record = (name: string, fields: readonly object[]) =>
  JSON.stringify({ type: 'record', name, fields });
const pair = {
  topic: 'my-topic',
  key: record('k', [{ name: 'key', type: 'string' }]),
  value: record('v', [
    { name: 'text', type: ['null', 'string'] },
    { name: 'tags', type: { type: 'array', items: 'long' } },
  ]),
};
const choices: readonly SourcesChoice[] = [
  { kind: 'embedded' },
  { kind: 'kafka', ...addresses },
  { kind: 'tail', ...addresses },
];

test.each(choices)('a topic of its own becomes a relation of its name ($kind)', (choice) => {
  const none = { file: 'sources.sql', source: '-- none' };
  const { definitions, problems } = readSqlFiles(deriveSources([pair], none, choice));
  expect(problems).toEqual([]);
  expect(definitions.at(-1)).toMatchObject({
    name: 'my-topic',
    file: 'avro_schemas/my-topic-value.avsc',
  });
  for (const { sql } of definitions) {
    const [text] = splitStatements(sql);
    if (text === undefined) throw new Error('no statement');
    const kind = choice.kind === 'embedded' ? 'backend' : 'create-kafka';
    expect(parseStatement(text).kind).toBe(kind);
  }
  if (choice.kind === 'embedded') {
    expect(definitions[0]?.sql).toContain(
      '"key" text NOT NULL,\n  "text" text,\n  "tags" bigint[]',
    );
  }
});

test.each(choices)('the project itself reads well and mentions its topics ($kind)', (choice) => {
  const folders = { sql: join(root, 'sql'), schemas: join(root, 'avro_schemas') };
  const { definitions, problems } = readSqlFiles(listSqlFiles(folders, choice));
  expect(problems).toEqual([]);
  const names = definitions.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['recentchange', 'example', 'input', 'top10']));
  expect(readPairs(folders.schemas).map(({ topic }) => topic)).toContain('example');
});
