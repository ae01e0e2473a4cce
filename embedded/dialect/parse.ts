import type { StatementText } from '../lexer.ts';
import { notSupported, parseBackend } from './backend.ts';
import { parseCopy } from './copy.ts';
import { parseClose, parseDeclare, parseFetch } from './cursor.ts';
import { TokenReader } from './reader.ts';
import { parseReset, parseSet } from './settings.ts';
import { parseShow } from './show.ts';
import type { Statement } from './statement.ts';
import { parseSubscribe } from './subscribe.ts';
import { parseAlter, parseCreate, parseDrop } from './view.ts';

/**
 * What one statement asks for. PostgreSQL's own grammar is not checked here: what is not of the
 * dialect comes back as `backend`.
 *
 * @throws {EngineError} 42601 for bad syntax of the dialect, 0A000 for what is not offered.
 */
export function parseStatement(statement: StatementText): Statement {
  const first = statement.tokens[0];
  const parse = first?.kind === 'word' ? PARSERS.get(first.value) : undefined;
  return parse === undefined ? parseBackend(statement) : parse(statement);
}

type Parser = (statement: StatementText) => Statement;

const read =
  (parse: (reader: TokenReader) => Statement): Parser =>
  (statement) =>
    parse(new TokenReader(statement));

const PARSERS: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['subscribe', parseSubscribe],
  ['tail', parseSubscribe],
  ['copy', parseCopy],
  ['declare', read(parseDeclare)],
  ['fetch', read(parseFetch)],
  ['close', read(parseClose)],
  ['show', read(parseShow)],
  ['set', read(parseSet)],
  ['reset', read(parseReset)],
  ['create', parseCreate],
  ['drop', parseDrop],
  ['alter', parseAlter],
  ['begin', () => ({ kind: 'begin' })],
  ['start', () => ({ kind: 'begin' })],
  ['commit', read((reader) => readEnd(reader, 'commit'))],
  ['end', read((reader) => readEnd(reader, 'commit'))],
  ['rollback', read((reader) => readEnd(reader, 'rollback'))],
  ['abort', read((reader) => readEnd(reader, 'rollback'))],
  ['deallocate', read(readDeallocate)],
  ['discard', read(() => ({ kind: 'discard' }))],
]);

function readEnd(reader: TokenReader, kind: 'commit' | 'rollback'): Statement {
  reader.next('COMMIT or ROLLBACK');
  if (!reader.accept('work')) reader.accept('transaction');
  if (reader.accept('and', 'no', 'chain') || reader.atEnd) return { kind };
  throw notSupported(`${reader.sql}: there are no savepoints, chains or prepared transactions`);
}

function readDeallocate(reader: TokenReader): Statement {
  reader.expect('deallocate');
  if (reader.peek(1) !== undefined) reader.accept('prepare');
  const name = reader.accept('all') ? null : reader.identifier();
  reader.expectEnd();
  return { kind: 'deallocate', name };
}
