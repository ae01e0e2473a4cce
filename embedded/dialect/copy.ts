import { EngineError } from '../engine.ts';
import { quoteName, type StatementText, tokenize } from '../lexer.ts';
import { notSupported, parseBackend } from './backend.ts';
import { TokenReader } from './reader.ts';
import type { Statement } from './statement.ts';
import { isSubscribe, parseSubscribe } from './subscribe.ts';

/** COPY of a table, a query or a subscription, from and to the client. */
export function parseCopy(statement: StatementText): Statement {
  const reader = new TokenReader(statement);
  reader.expect('copy');
  const open = reader.peek();
  if (open?.kind === 'symbol' && open.value === '(') {
    const inner = toStatement(reader.parenthesised());
    return isSubscribe(inner) ? readSubscribe(reader, inner) : parseBackend(statement);
  }
  const relation = readQualified(reader);
  const columns = reader.columnNames();
  if (!reader.accept('from')) return parseBackend(statement);
  if (!reader.accept('stdin')) {
    throw notSupported('COPY with files or programs: use COPY … FROM STDIN');
  }
  const list = columns.length === 0 ? '*' : columns.map(quoteName).join(', ');
  const binary = /\bbinary\b/i.test(reader.rest());
  return {
    kind: 'copy-in',
    sql: statement.sql,
    shape: `SELECT ${list} FROM ${relation} LIMIT 0`,
    binary,
  };
}

function readSubscribe(reader: TokenReader, inner: StatementText): Statement {
  const subscribe = parseSubscribe(inner);
  reader.expect('to', 'stdout');
  const format = /\b(binary|csv)\b/i.exec(reader.rest());
  if (format !== null) {
    throw new EngineError(
      '0A000',
      `COPY of a ${subscribe.keyword} writes text only, not ${format[0].toUpperCase()}: leave out FORMAT`,
    );
  }
  return { kind: 'copy-subscribe', subscribe };
}

function readQualified(reader: TokenReader): string {
  const parts = [reader.identifier()];
  while (reader.acceptSymbol('.')) parts.push(reader.identifier());
  return parts.map(quoteName).join('.');
}

function toStatement(sql: string): StatementText {
  return { sql, tokens: tokenize(sql) };
}
