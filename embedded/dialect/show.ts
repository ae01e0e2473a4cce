import { notSupported } from './backend.ts';
import type { TokenReader } from './reader.ts';
import type { ShowObjects, Statement } from './statement.ts';

/** SHOW of objects and of variables (Materialize's documentation, "SHOW"). */
export function parseShow(reader: TokenReader): Statement {
  reader.expect('show');
  reader.accept('full');
  if (reader.accept('objects')) return readObjects(reader, 'objects');
  if (reader.accept('views')) return readObjects(reader, 'views');
  if (reader.accept('materialized', 'views')) return readObjects(reader, 'materialized-views');
  if (reader.accept('tables')) return readObjects(reader, 'tables');
  if (reader.accept('sources')) return readObjects(reader, 'sources');
  if (reader.accept('connections')) return readObjects(reader, 'connections');
  if (reader.accept('secrets')) return readObjects(reader, 'secrets');
  if (reader.accept('columns')) return readColumns(reader);
  if (reader.accept('create')) return readCreate(reader);
  if (reader.accept('indexes') || reader.accept('index') || reader.accept('keys')) {
    return readIndexes(reader);
  }
  return readNames(reader) ?? readVariable(reader);
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  databases: ['materialize'],
  schemas: ['public'],
  clusters: ['quickstart'],
  sinks: [],
  types: [],
};

function readNames(reader: TokenReader): Statement | undefined {
  const first = reader.peek();
  const names = first?.kind === 'word' ? NAMES[first.value] : undefined;
  if (names === undefined) return undefined;
  reader.rest();
  return { kind: 'show-names', names };
}

function readObjects(reader: TokenReader, what: ShowObjects): Statement {
  skipScope(reader);
  const like = readLike(reader);
  reader.expectEnd();
  return { kind: 'show-objects', what, like };
}

function readColumns(reader: TokenReader): Statement {
  if (!reader.accept('from')) reader.expect('in');
  const relation = reader.relationName();
  const like = readLike(reader);
  reader.expectEnd();
  return { kind: 'show-columns', relation, like };
}

function readIndexes(reader: TokenReader): Statement {
  const on = reader.accept('on') || reader.accept('from');
  const relation = on ? reader.relationName() : null;
  skipScope(reader);
  reader.expectEnd();
  return { kind: 'show-indexes', relation };
}

function readCreate(reader: TokenReader): Statement {
  const materialized = reader.accept('materialized') ? 'materialized ' : '';
  const what = materialized + reader.identifier();
  if (!['view', 'materialized view', 'table', 'source', 'connection'].includes(what)) {
    throw notSupported(
      `SHOW CREATE ${what.toUpperCase()}: it knows views, tables, sources and connections`,
    );
  }
  const relation = reader.relationName();
  reader.expectEnd();
  return { kind: 'show-create', what, relation };
}

function skipScope(reader: TokenReader): void {
  if (reader.accept('from')) reader.relationName();
  if (reader.accept('in', 'cluster')) reader.relationName();
}

function readLike(reader: TokenReader): string | null {
  return reader.accept('like') ? reader.next('a pattern').value : null;
}

function readVariable(reader: TokenReader): Statement {
  const sql = reader.sql;
  let name = reader.identifier();
  if (name === 'time' && reader.accept('zone')) name = 'timezone';
  if (name === 'transaction' && reader.accept('isolation', 'level')) name = 'transaction_isolation';
  if (reader.acceptSymbol('.')) name += `.${reader.identifier()}`;
  reader.expectEnd();
  return { kind: 'show', name, sql };
}
