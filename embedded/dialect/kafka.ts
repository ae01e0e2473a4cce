import type {
  Connection,
  ConnectionOf,
  CreateKafkaRequest,
  Format,
  Include,
  KafkaConnection,
  Reading,
  RegistryConnection,
  TopicSource,
  Value,
} from '../kafka/definition.ts';
import { notSupported } from './backend.ts';
import { OptionList } from './options.ts';
import type { TokenReader } from './reader.ts';
import type { Statement } from './statement.ts';

/**
 * CREATE SECRET, CONNECTION, SOURCE and TABLE … FROM SOURCE, as far as Kafka goes, in the newer
 * dialect and in the older one (`FROM KAFKA BROKER '…' TOPIC '…'`). The reader stands behind CREATE;
 * undefined when the statement is none of these.
 *
 * @throws {EngineError} 42601 for bad syntax, 0A000 for what only a real Materialize has.
 */
export function parseCreateKafka(reader: TokenReader): Statement | undefined {
  if (reader.accept('secret')) return readSecret(reader);
  if (reader.accept('connection')) return readConnection(reader);
  if (reader.accept('source') || reader.accept('materialized', 'source')) return readSource(reader);
  const isTable = reader.sees('table') && /\bfrom\s+source\b/i.test(reader.sql);
  return isTable ? readTable(reader) : undefined;
}

type Request<Type extends CreateKafkaRequest['type']> = Extract<CreateKafkaRequest, { type: Type }>;
type Definition<Type extends CreateKafkaRequest['type']> = Omit<
  Request<Type>,
  'name' | 'ifNotExists' | 'sql'
>;

function readHead(reader: TokenReader): { name: string; ifNotExists: boolean } {
  const ifNotExists = reader.accept('if', 'not', 'exists');
  return { ifNotExists, name: reader.relationName() };
}

function create(request: CreateKafkaRequest): Statement {
  return { kind: 'create-kafka', request };
}

function readSecret(reader: TokenReader): Statement {
  const head = readHead(reader);
  reader.expect('as');
  const value = reader.string('the secret in quotes');
  reader.expectEnd();
  const sql = `CREATE SECRET ${head.name} AS '…'`;
  return create({ ...head, type: 'secret', value, sql });
}

function readConnection(reader: TokenReader): Statement {
  const head = readHead(reader);
  if (!reader.accept('to')) reader.expect('for');
  const connection = readConnectionTo(reader);
  if (reader.accept('with')) reader.parenthesised();
  reader.expectEnd();
  return create({ ...head, type: 'connection', connection, sql: reader.sql });
}

function readConnectionTo(reader: TokenReader): Connection {
  if (reader.accept('kafka')) return kafkaConnection(OptionList.read(reader));
  if (reader.accept('confluent', 'schema', 'registry')) {
    return registryConnection(OptionList.read(reader));
  }
  throw notSupported(
    `connections to ${reader.peek()?.value ?? 'nothing'}: it knows KAFKA and CONFLUENT SCHEMA REGISTRY`,
  );
}

const PROTOCOLS: Readonly<Record<string, { readonly ssl: boolean; readonly sasl: boolean }>> = {
  PLAINTEXT: { ssl: false, sasl: false },
  SSL: { ssl: true, sasl: false },
  SASL_PLAINTEXT: { ssl: false, sasl: true },
  SASL_SSL: { ssl: true, sasl: true },
};

function kafkaConnection(options: OptionList): KafkaConnection {
  const given = [options.text('broker') ?? [], options.texts('brokers')].flat();
  const brokers = given.flatMap((list) => list.split(',').map((broker) => broker.trim()));
  if (brokers.length === 0) throw options.missing("BROKER 'host:port'");
  const username = options.value('sasl username');
  const password = options.value('sasl password');
  const mechanism = options.text('sasl mechanisms') ?? options.text('sasl mechanism');
  const hasLogin = username !== null && password !== null;
  const name = options.text('security protocol')?.toUpperCase();
  const protocol = PROTOCOLS[name ?? (hasLogin ? 'SASL_SSL' : 'PLAINTEXT')];
  if (protocol === undefined) throw notSupported(`SECURITY PROTOCOL ${name}`);
  if (protocol.sasl && !(hasLogin && mechanism)) {
    throw options.missing('SASL MECHANISMS, SASL USERNAME and SASL PASSWORD');
  }
  options.end('a connection to Kafka');
  const sasl =
    protocol.sasl && hasLogin && mechanism
      ? { mechanism: mechanism.toUpperCase(), username, password }
      : null;
  return { kind: 'kafka', brokers, ssl: protocol.ssl, sasl };
}

function registryConnection(options: OptionList): RegistryConnection {
  const url = options.text('url');
  if (url === null) throw options.missing("URL 'http://host:8081'");
  const username = options.value('username');
  const password: Value = options.value('password') ?? { text: '' };
  options.end('a connection to a schema registry');
  return { kind: 'registry', url, login: username === null ? null : { username, password } };
}

function readSource(reader: TokenReader): Statement {
  const head = readHead(reader);
  if (reader.columnNames().length > 0) {
    throw notSupported('column names of a source: name them in a view');
  }
  if (reader.accept('in', 'cluster')) reader.relationName();
  reader.expect('from');
  const from = readTopic(reader);
  const reading = reader.atEnd ? null : readReading(reader);
  reader.expectEnd();
  return create({ ...head, type: 'source', from, reading, sql: reader.sql });
}

function readTopic(reader: TokenReader): TopicSource {
  if (!reader.accept('kafka')) {
    throw notSupported(`sources from ${reader.peek()?.value ?? 'nothing'}: it knows Kafka alone`);
  }
  if (reader.accept('connection')) {
    const connection = { name: reader.relationName() };
    if (reader.accept('topic')) {
      return { connection, topic: reader.string('the topic in quotes') };
    }
    const options = OptionList.read(reader);
    const topic = options.text('topic');
    if (topic === null) throw options.missing("TOPIC 'name'");
    // Where the engine reads on is its own affair; how often it looks at the topic as well.
    options.ignore(
      'group id prefix',
      'progress group id prefix',
      'topic metadata refresh interval',
    );
    options.end('a source');
    return { connection, topic };
  }
  reader.expect('broker');
  const brokers = reader.string('the brokers in quotes').split(',');
  reader.expect('topic');
  const topic = reader.string('the topic in quotes');
  const inline: KafkaConnection = {
    kind: 'kafka',
    brokers: brokers.map((broker) => broker.trim()),
    ssl: false,
    sasl: null,
  };
  return { connection: { inline }, topic };
}

function readTable(reader: TokenReader): Statement {
  reader.expect('table');
  const head = readHead(reader);
  if (reader.columnNames().length > 0) {
    throw notSupported('column names of a table from a source: name them in a view');
  }
  reader.expect('from', 'source');
  const source = reader.relationName();
  let reference: string | null = null;
  if (reader.acceptSymbol('(')) {
    reader.expect('reference');
    reader.acceptSymbol('=');
    reference = reader.relationName();
    reader.expectSymbol(')');
  }
  const definition: Definition<'table'> = {
    type: 'table',
    source,
    reference,
    reading: readReading(reader),
  };
  reader.expectEnd();
  return create({ ...head, ...definition, sql: reader.sql });
}

/** [WITH (…)] FORMAT … [INCLUDE …] [ENVELOPE …] [WITH (…)] */
function readReading(reader: TokenReader): Reading {
  if (reader.accept('with')) readWith(reader);
  const { key, value } = readFormats(reader);
  const include = reader.accept('include') ? readIncludes(reader) : [];
  const envelope = readEnvelope(reader);
  if (reader.accept('with')) readWith(reader);
  return { key, value, include, envelope };
}

/** None of these changes what the rows are; RETAIN is the catalogue's to read (retention.ts). */
function readWith(reader: TokenReader): void {
  const options = OptionList.read(reader);
  options.ignore('retain history', 'retain history for', 'timestamp_frequency_ms');
  options.ignore('group_id_prefix', 'timestamp interval', 'retain rows', 'retain for');
  options.end('WITH');
}

function readFormats(reader: TokenReader): { key: Format | null; value: Format } {
  if (reader.accept('key', 'format')) {
    const key = readFormat(reader);
    reader.expect('value', 'format');
    return { key, value: readFormat(reader) };
  }
  reader.expect('format');
  const value = readFormat(reader);
  // One FORMAT AVRO is that of the key as well, by the subject <topic>-key.
  return { key: value.kind === 'avro' ? value : null, value };
}

function readFormat(reader: TokenReader): Format {
  if (reader.accept('text')) return { kind: 'text' };
  if (reader.accept('json')) return { kind: 'json' };
  if (reader.accept('bytes')) return { kind: 'bytes' };
  if (reader.accept('avro')) {
    reader.expect('using', 'confluent', 'schema', 'registry');
    return { kind: 'avro', registry: readRegistry(reader) };
  }
  throw notSupported(
    `FORMAT ${reader.peek()?.value ?? ''}: it knows AVRO (by a registry), JSON, TEXT and BYTES`,
  );
}

function readRegistry(reader: TokenReader): ConnectionOf<RegistryConnection> {
  if (reader.accept('connection')) return { name: reader.relationName() };
  const url = reader.string("the registry's URL in quotes");
  return { inline: { kind: 'registry', url, login: null } };
}

function readIncludes(reader: TokenReader): Include[] {
  return reader.commaList(() => {
    const what = (['key', 'partition', 'offset', 'timestamp'] as const).find((word) =>
      reader.accept(word),
    );
    if (what === undefined) {
      throw notSupported(
        `INCLUDE ${reader.peek()?.value ?? ''}: it knows KEY, PARTITION, OFFSET and TIMESTAMP`,
      );
    }
    return { what, as: reader.accept('as') ? reader.identifier() : null };
  });
}

function readEnvelope(reader: TokenReader): Reading['envelope'] {
  if (!reader.accept('envelope') || reader.accept('none')) return 'none';
  if (!reader.accept('upsert')) {
    throw notSupported(`ENVELOPE ${reader.peek()?.value ?? ''}: it knows NONE and UPSERT`);
  }
  if (reader.sees('with') || reader.peek()?.value !== '(') return 'upsert';
  throw notSupported('options of ENVELOPE UPSERT');
}
