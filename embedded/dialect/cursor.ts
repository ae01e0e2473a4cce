import { EngineError } from '../engine.ts';
import { parseBackend } from './backend.ts';
import type { TokenReader } from './reader.ts';
import type { Statement } from './statement.ts';
import { isSubscribe, parseSubscribe } from './subscribe.ts';

/** DECLARE name CURSOR FOR … */
export function parseDeclare(reader: TokenReader): Statement {
  reader.expect('declare');
  const name = reader.identifier();
  for (;;) {
    if (reader.accept('cursor')) break;
    if (reader.sees('binary')) throw unsupported('DECLARE … BINARY: ask for text');
    const noise = ['no', 'scroll', 'insensitive', 'asensitive'].some((word) => reader.accept(word));
    if (!noise) throw reader.wrong('CURSOR');
  }
  if (reader.accept('with', 'hold')) {
    throw unsupported('DECLARE … WITH HOLD: a cursor lives as long as its transaction');
  }
  reader.accept('without', 'hold');
  reader.expect('for');
  const text = reader.restStatement();
  if (isSubscribe(text)) return { kind: 'declare', name, statement: parseSubscribe(text) };
  const first = text.tokens[0]?.value ?? '';
  if (!['select', 'with', 'values', 'table', '('].includes(first)) {
    throw new EngineError('42601', 'a cursor is declared FOR a SELECT, SUBSCRIBE or TAIL');
  }
  return { kind: 'declare', name, statement: parseBackend(text) };
}

/** FETCH [FORWARD] [n | ALL | NEXT] [FROM | IN] name [WITH (TIMEOUT …)] */
export function parseFetch(reader: TokenReader): Statement {
  reader.expect('fetch');
  for (const word of ['backward', 'prior', 'first', 'last', 'absolute', 'relative']) {
    if (reader.sees(word) && reader.peek(1) !== undefined) {
      throw unsupported(`FETCH ${word.toUpperCase()}: cursors only go forward`);
    }
  }
  reader.accept('forward');
  const count = readCount(reader);
  if (!reader.accept('from')) reader.accept('in');
  const name = reader.identifier();
  const timeoutMs = reader.accept('with') ? readTimeout(reader) : null;
  reader.expectEnd();
  return { kind: 'fetch', name, count, timeoutMs };
}

/** CLOSE name | ALL */
export function parseClose(reader: TokenReader): Statement {
  reader.expect('close');
  const name = reader.accept('all') ? null : reader.identifier();
  reader.expectEnd();
  return { kind: 'close', name };
}

function readCount(reader: TokenReader): number {
  const token = reader.peek();
  if (token?.kind === 'number') {
    reader.next('a count');
    const count = Number(token.value);
    if (!Number.isSafeInteger(count)) throw new EngineError('42601', `bad count ${token.value}`);
    return count;
  }
  if (token?.kind === 'symbol' && token.value === '-') {
    throw unsupported('FETCH with a negative count: cursors only go forward');
  }
  if (reader.peek(1) !== undefined && reader.accept('all')) return Infinity;
  if (reader.peek(1) !== undefined) reader.accept('next');
  return 1;
}

function readTimeout(reader: TokenReader): number {
  reader.expectSymbol('(');
  reader.expect('timeout');
  reader.acceptSymbol('=');
  reader.accept('interval');
  const value = reader.next('an interval').value;
  reader.expectSymbol(')');
  return parseTimeout(value);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  microsecond: 0.001,
  ms: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

const DAY_MS = 86_400_000;

/**
 * An interval in milliseconds: `1s`, `1.5 seconds`, `1 minute 30s`, `00:00:01.5`, `1` (seconds).
 *
 * @throws {EngineError} for a bad, a negative one, or one above a day.
 */
export function parseTimeout(value: string): number {
  const millis = readClock(value.trim()) ?? readUnits(value.trim());
  if (millis === undefined) {
    throw new EngineError('22007', `a TIMEOUT is an interval such as '1s', found '${value}'`);
  }
  if (millis < 0) {
    throw new EngineError('22023', 'invalid TIMEOUT: cannot convert negative interval to duration');
  }
  if (millis > DAY_MS) throw new EngineError('22023', 'timeout out of range');
  return millis;
}

function readClock(value: string): number | undefined {
  const match = /^(-?)(\d+):(\d+)(?::(\d+(?:\.\d+)?))?$/.exec(value);
  if (match === null) return undefined;
  const [, sign, hours, minutes, seconds] = match;
  const millis = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds ?? 0) * 1000;
  return sign === '-' ? -millis : millis;
}

function readUnits(value: string): number | undefined {
  const parts = [...value.matchAll(/(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*/gi)];
  const covered = parts.reduce((length, [whole]) => length + whole.length, 0);
  if (parts.length === 0 || covered !== value.length) return undefined;
  let millis = 0;
  for (const [, amount, unit] of parts) {
    const name = (unit ?? '').toLowerCase();
    const factor = name === '' ? 1000 : (UNIT_MS[name] ?? UNIT_MS[name.replace(/s$/, '')]);
    if (factor === undefined) return undefined;
    millis += Number(amount) * factor;
  }
  return millis;
}

function unsupported(what: string): EngineError {
  return new EngineError('0A000', `not supported: ${what}`);
}
