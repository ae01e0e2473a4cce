import type { StatementText } from '../lexer.ts';
import { notSupported, parseBackend } from './backend.ts';
import { parseCreateKafka } from './kafka.ts';
import { TokenReader } from './reader.ts';
import type { Statement } from './statement.ts';

/**
 * CREATE of what the catalogue keeps; everything else that CREATE can make goes to PostgreSQL.
 *
 * @throws {EngineError} 0A000 for what only a real Materialize has.
 */
export function parseCreate(statement: StatementText): Statement {
  const reader = new TokenReader(statement);
  reader.expect('create');
  const orReplace = reader.accept('or', 'replace');
  const temporary = reader.accept('temp') || reader.accept('temporary');
  if (reader.accept('materialized', 'view')) {
    return readView(reader, { orReplace, materialized: true });
  }
  if (reader.sees('view') && temporary) throw notSupported('temporary views: give it a name');
  if (reader.accept('view')) return readView(reader, { orReplace, materialized: false });
  if (!orReplace && (reader.sees('index') || reader.sees('default', 'index'))) {
    return readIndex(reader, statement);
  }
  const kafka = orReplace || temporary ? undefined : parseCreateKafka(reader);
  if (kafka !== undefined) return kafka;
  refuseForeign(reader);
  return parseBackend(statement);
}

/** DROP of what the catalogue keeps, or an index; everything else goes to PostgreSQL. */
export function parseDrop(statement: StatementText): Statement {
  const reader = new TokenReader(statement);
  reader.expect('drop');
  const what = readDropKind(reader);
  if (what === undefined) {
    refuseForeign(reader);
    return parseBackend(statement);
  }
  if (what === 'index') reader.accept('concurrently');
  const ifExists = reader.accept('if', 'exists');
  const names = reader.relationNames();
  const cascade = reader.accept('cascade');
  if (!cascade) reader.accept('restrict');
  reader.expectEnd();
  return { kind: 'drop', what, names, ifExists, cascade };
}

/** ALTER of retention is accepted; the rest goes to PostgreSQL when it is about tables. */
export function parseAlter(statement: StatementText): Statement {
  const reader = new TokenReader(statement);
  reader.expect('alter');
  const kinds = [['materialized', 'view'], ['index'], ['view'], ['source']];
  const kind = kinds.find((words) => reader.accept(...words));
  if (kind === undefined) {
    if (reader.sees('system')) throw notSupported('ALTER SYSTEM: its settings are fixed');
    return parseBackend(statement);
  }
  const tag = `ALTER ${kind.join(' ').toUpperCase()}`;
  reader.accept('if', 'exists');
  reader.relationName();
  if (reader.accept('set') || reader.accept('reset')) {
    return {
      kind: 'accepted',
      tag,
      notice:
        'nothing to change: the embedded engine keeps about five minutes of history of what is subscribed',
    };
  }
  throw notSupported(`${tag}: drop it and create it again`);
}

function readView(
  reader: TokenReader,
  options: { readonly orReplace: boolean; readonly materialized: boolean },
): Statement {
  const ifNotExists = reader.accept('if', 'not', 'exists');
  const name = reader.relationName();
  const columns = reader.columnNames();
  if (reader.accept('in', 'cluster')) reader.relationName();
  if (reader.accept('with')) reader.parenthesised();
  reader.expect('as');
  if (reader.atEnd) throw reader.wrong('a SELECT');
  const query = reader.rest();
  return {
    kind: 'create-view',
    request: { ...options, name, columns, query, ifNotExists, sql: reader.sql },
  };
}

function readIndex(reader: TokenReader, statement: StatementText): Statement {
  while (!reader.accept('on')) reader.next('ON and the name of what is indexed');
  reader.accept('only');
  const relation = reader.relationName();
  return { kind: 'create-index', relation, statement: parseBackend(statement) };
}

function readDropKind(
  reader: TokenReader,
): Extract<Statement, { kind: 'drop' }>['what'] | undefined {
  if (reader.accept('materialized', 'view')) return 'materialized-view';
  if (reader.accept('view')) return 'view';
  if (reader.accept('table')) return 'table';
  if (reader.accept('source')) return 'source';
  if (reader.accept('connection')) return 'connection';
  if (reader.accept('secret')) return 'secret';
  if (reader.accept('index')) return 'index';
  return undefined;
}

const FOREIGN: Readonly<Record<string, string>> = {
  source: 'OR REPLACE and TEMPORARY for sources: DROP it first',
  sink: 'sinks: SUBSCRIBE to the view and write where you like',
  connection: 'OR REPLACE for connections: DROP it first',
  secret: 'OR REPLACE for secrets: DROP it first',
  cluster: 'clusters: it is one process',
  role: 'roles: there is one user',
  user: 'users: there is one user',
  database: 'databases: each data folder is one',
  tablespace: 'tablespaces: each data folder is one',
  extension: 'extensions: they are fixed',
  subscription: 'logical replication: use SUBSCRIBE',
  publication: 'logical replication: use SUBSCRIBE',
};

function refuseForeign(reader: TokenReader): void {
  const first = reader.peek();
  const refusal = first?.kind === 'word' ? FOREIGN[first.value] : undefined;
  if (refusal !== undefined) throw notSupported(refusal);
}
