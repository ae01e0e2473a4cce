import { expect, test } from 'vitest';
import type { CreateKafkaRequest } from '../kafka/definition.ts';
import { splitStatements } from '../lexer.ts';
import { parseStatement } from './parse.ts';

function parse(sql: string): CreateKafkaRequest {
  const [text] = splitStatements(sql);
  if (text === undefined) throw new Error('no statement');
  const statement = parseStatement(text);
  if (statement.kind !== 'create-kafka') throw new Error(`a ${statement.kind} statement`);
  return statement.request;
}

test('secrets and connections, with and without a login', () => {
  expect(parse(`CREATE SECRET s AS 'pass''word'`)).toMatchObject({
    type: 'secret',
    value: "pass'word",
    sql: "CREATE SECRET s AS '…'",
  });
  const plain = { kind: 'kafka', brokers: ['a:9092'], ssl: false, sasl: null };
  for (const options of [
    `BROKER 'a:9092', SECURITY PROTOCOL PLAINTEXT`,
    `BROKER = 'a:9092', SECURITY PROTOCOL = 'plaintext'`,
    `BROKERS ['a:9092']`,
  ]) {
    expect(parse(`CREATE CONNECTION k TO KAFKA (${options})`)).toMatchObject({ connection: plain });
  }
  const sasl = {
    mechanism: 'SCRAM-SHA-256',
    username: { text: 'u' },
    password: { secret: 'pw' },
  };
  for (const options of [
    `SASL MECHANISMS 'SCRAM-SHA-256', SASL USERNAME 'u', SASL PASSWORD SECRET pw`,
    `SASL MECHANISMS = 'scram-sha-256', SASL USERNAME = 'u', SASL PASSWORD = SECRET pw, SECURITY PROTOCOL SASL_SSL`,
  ]) {
    expect(
      parse(`CREATE CONNECTION IF NOT EXISTS k TO KAFKA (BROKERS ('a:1', 'b:1'), ${options})`),
    ).toMatchObject({
      ifNotExists: true,
      connection: { brokers: ['a:1', 'b:1'], ssl: true, sasl },
    });
  }
  expect(
    parse(`CREATE CONNECTION r TO CONFLUENT SCHEMA REGISTRY (URL 'http://r', USERNAME u)`),
  ).toMatchObject({ connection: { url: 'http://r', login: { username: { text: 'u' } } } });
});

test('sources and tables of the newer dialect', () => {
  expect(
    parse(`CREATE SOURCE s IN CLUSTER c FROM KAFKA CONNECTION materialize.public.k (TOPIC 't')`),
  ).toMatchObject({
    type: 'source',
    from: { connection: { name: 'k' }, topic: 't' },
    reading: null,
  });
  const registry = { name: 'r' };
  expect(
    parse(`CREATE TABLE t FROM SOURCE s (REFERENCE "t") FORMAT AVRO
      USING CONFLUENT SCHEMA REGISTRY CONNECTION r
      INCLUDE KEY, PARTITION AS p, OFFSET, TIMESTAMP AS "at" ENVELOPE NONE`),
  ).toMatchObject({
    type: 'table',
    source: 's',
    reference: 't',
    reading: {
      key: { kind: 'avro', registry },
      value: { kind: 'avro', registry },
      include: [
        { what: 'key', as: null },
        { what: 'partition', as: 'p' },
        { what: 'offset', as: null },
        { what: 'timestamp', as: 'at' },
      ],
      envelope: 'none',
    },
  });
  expect(
    parse(`CREATE TABLE t FROM SOURCE s KEY FORMAT TEXT VALUE FORMAT JSON ENVELOPE UPSERT
      WITH (RETAIN HISTORY FOR '1hr')`),
  ).toMatchObject({
    reference: null,
    reading: { key: { kind: 'text' }, value: { kind: 'json' }, envelope: 'upsert' },
  });
});

test('a source in one statement, as either dialect has it', () => {
  expect(
    parse(`CREATE MATERIALIZED SOURCE s FROM KAFKA BROKER 'a:1,b:1' TOPIC 't'
      WITH (timestamp_frequency_ms = 100) FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY 'http://r'`),
  ).toMatchObject({
    from: { connection: { inline: { brokers: ['a:1', 'b:1'] } }, topic: 't' },
    reading: { value: { kind: 'avro', registry: { inline: { url: 'http://r' } } } },
  });
  expect(
    parse(`CREATE SOURCE s FROM KAFKA CONNECTION k (TOPIC = 't') FORMAT BYTES ENVELOPE NONE`),
  ).toMatchObject({ reading: { key: null, value: { kind: 'bytes' }, envelope: 'none' } });
});

test.each([
  [`CREATE CONNECTION k TO POSTGRES (HOST 'h')`, 'connections to postgres'],
  [`CREATE CONNECTION k TO KAFKA (BROKER 'a' USING SSH TUNNEL t)`, 'BROKER … USING'],
  [`CREATE CONNECTION k TO KAFKA (BROKER 'a', PROGRESS TOPIC 'p')`, 'PROGRESS TOPIC in a'],
  [`CREATE SOURCE s FROM POSTGRES CONNECTION p`, 'sources from postgres'],
  [`CREATE SOURCE s FROM KAFKA CONNECTION k (TOPIC 't', START OFFSET (1))`, 'START OFFSET in'],
  [`CREATE TABLE t FROM SOURCE s FORMAT CSV WITH 3 COLUMNS`, 'FORMAT csv'],
  [`CREATE TABLE t FROM SOURCE s FORMAT TEXT INCLUDE HEADERS`, 'INCLUDE headers'],
  [`CREATE TABLE t FROM SOURCE s FORMAT TEXT ENVELOPE DEBEZIUM`, 'ENVELOPE debezium'],
  [`CREATE OR REPLACE CONNECTION k TO KAFKA (BROKER 'a')`, 'OR REPLACE for connections'],
])('%s is refused by name', (sql, told) => {
  expect(() => parse(sql)).toThrow(`the embedded engine does not support ${told}`);
});

test.each([
  [`CREATE CONNECTION k TO KAFKA (SECURITY PROTOCOL PLAINTEXT)`, "the option BROKER 'host:port'"],
  [`CREATE SECRET s AS word`, 'expected the secret in quotes, found word'],
  [`CREATE TABLE t FROM SOURCE s`, 'expected FORMAT, found the end'],
  [`CREATE TABLE t FROM SOURCE s FORMAT TEXT, x`, 'expected the end of the statement, found ,'],
])('%s is bad syntax', (sql, told) => {
  expect(() => parse(sql)).toThrow(told);
});
