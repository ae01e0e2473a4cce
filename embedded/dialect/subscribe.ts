import { EngineError, type SubscribeRequest } from '../engine.ts';
import type { StatementText } from '../lexer.ts';
import { TokenReader } from './reader.ts';
import type { SubscribeStatement } from './statement.ts';

/**
 * Reads SUBSCRIBE and TAIL in all the forms of both dialects.
 *
 * @throws {EngineError} 42601 for bad syntax, 0A000 for output forms that are off by default.
 */
export function parseSubscribe(statement: StatementText): SubscribeStatement {
  const reader = new TokenReader(statement);
  const keyword = reader.accept('tail') ? 'TAIL' : 'SUBSCRIBE';
  if (keyword === 'SUBSCRIBE') {
    reader.expect('subscribe');
    // `SUBSCRIBE to` is a view of that name, `SUBSCRIBE TO v` has the noise word.
    if (reader.sees('to') && reader.peek(1) !== undefined && !seesClause(reader, 1)) {
      reader.accept('to');
    }
  }
  const from = readSource(reader);
  const clauses = readClauses(reader);
  reader.expectEnd();
  const { progress, upsertKey, ...request } = clauses;
  return { kind: 'subscribe', keyword, progress, upsertKey, request: { from, ...request } };
}

/** Whether a statement is a subscription. */
export function isSubscribe(statement: StatementText): boolean {
  const first = statement.tokens[0];
  return first?.kind === 'word' && (first.value === 'subscribe' || first.value === 'tail');
}

const CLAUSES = ['with', 'as', 'up', 'envelope', 'within'];

function seesClause(reader: TokenReader, ahead: number): boolean {
  const token = reader.peek(ahead);
  return token?.kind === 'word' && CLAUSES.includes(token.value);
}

function readSource(reader: TokenReader): SubscribeRequest['from'] {
  const token = reader.peek();
  if (token?.kind === 'symbol' && token.value === '(') return { query: reader.parenthesised() };
  return { relation: reader.relationName() };
}

type Clauses = Omit<SubscribeRequest, 'from'> & Pick<SubscribeStatement, 'progress' | 'upsertKey'>;

function readClauses(reader: TokenReader): Clauses {
  let upsertKey = readOutput(reader);
  const options = readOptions(reader);
  const asOf = readAsOf(reader);
  const upTo = reader.accept('up', 'to') ? readTime(reader) : undefined;
  upsertKey ??= readOutput(reader);
  return { ...options, asOf, upTo, upsertKey };
}

function readOutput(reader: TokenReader): readonly string[] | null {
  if (reader.sees('within')) {
    throw new EngineError(
      '0A000',
      'SUBSCRIBE … WITHIN TIMESTAMP ORDER BY is not supported: apply all rows of a timestamp together, in any order',
    );
  }
  if (!reader.accept('envelope')) return null;
  if (reader.sees('debezium')) {
    throw new EngineError(
      '0A000',
      'SUBSCRIBE … ENVELOPE DEBEZIUM is not supported: use ENVELOPE UPSERT (KEY (…)) or plain diffs',
    );
  }
  reader.expect('upsert');
  reader.expectSymbol('(');
  reader.expect('key');
  const key = reader.columnNames();
  reader.expectSymbol(')');
  const twice = key.find((name, index) => key.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new EngineError(
      '42601',
      `column "${twice}" appears more than once in SUBSCRIBE ENVELOPE KEY clause`,
    );
  }
  if (key.length === 0) throw reader.wrong('the key columns in parentheses');
  return key;
}

function readOptions(reader: TokenReader): { progress: boolean; snapshot: boolean } {
  const options = { progress: false, snapshot: true };
  if (!reader.accept('with')) return options;
  reader.expectSymbol('(');
  do {
    if (reader.accept('progress')) options.progress = readBoolean(reader);
    else if (reader.accept('snapshot')) options.snapshot = readBoolean(reader);
    else throw reader.wrong('PROGRESS or SNAPSHOT');
  } while (reader.acceptSymbol(','));
  reader.expectSymbol(')');
  return options;
}

function readBoolean(reader: TokenReader): boolean {
  const equals = reader.acceptSymbol('=');
  const token = reader.peek();
  const isEnd = token?.kind === 'symbol' && (token.value === ',' || token.value === ')');
  if (isEnd && !equals) return true;
  const value = reader.next('TRUE or FALSE').value.toLowerCase();
  if (['true', 't', 'on', '1', 'yes'].includes(value)) return true;
  if (['false', 'f', 'off', '0', 'no'].includes(value)) return false;
  throw new EngineError('42601', `expected TRUE or FALSE, found ${value}`);
}

function readAsOf(reader: TokenReader): SubscribeRequest['asOf'] {
  if (!reader.accept('as', 'of')) return undefined;
  const atLeast = reader.accept('at', 'least');
  return { time: readTime(reader), atLeast };
}

const MAX_TIME = 2n ** 64n - 1n;

/** Milliseconds as a number or a text, or a date and time as a text; a cast behind it is noise. */
function readTime(reader: TokenReader): bigint {
  const token = reader.next('a time');
  const isLiteral = token.kind === 'number' || token.kind === 'string';
  if (isLiteral && reader.acceptSymbol('::')) reader.relationName();
  const value = token.value.trim();
  const millis = /^\d+$/.test(value) ? BigInt(value) : parseDate(token.kind, value);
  if (!isLiteral || millis === undefined || millis > MAX_TIME) {
    throw new EngineError(
      'XX000',
      `AS OF or UP TO should be castable to a (non-null) mz_timestamp value, such as 1656633600000; found ${value}`,
    );
  }
  return millis;
}

function parseDate(kind: string, value: string): bigint | undefined {
  if (kind !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  const zoned = /(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(value.slice(10)) ? value : `${value}Z`;
  const millis = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(millis) || millis < 0 ? undefined : BigInt(millis);
}
