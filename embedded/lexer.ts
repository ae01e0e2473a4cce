/**
 * Cuts SQL into tokens as PostgreSQL does with `standard_conforming_strings` on, far enough to find
 * where statements end and to read the words of the dialect. Whitespace and comments are left out.
 * It never fails: what is not closed becomes a token `unterminated`, for PostgreSQL to complain of.
 */
export type TokenKind =
  | 'word' // bare: `value` is lower-cased
  | 'quoted' // "…": `value` is what stands inside
  | 'string' // '…', E'…', $tag$…$tag$: `value` is what stands inside, E escapes undone
  | 'number'
  | 'parameter' // $1: `value` is the digits
  | 'symbol' // one character, or `::`
  | 'unterminated';

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  /** Half-open range in the source. */
  readonly start: number;
  readonly end: number;
}

/** One statement of a simple query, without its semicolon. */
export interface StatementText {
  readonly sql: string;
  /** Their positions count from the start of `sql`. */
  readonly tokens: readonly Token[];
}

const SPACE = /(?:\s+|--[^\n\r]*)+/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const PARAMETER = /\$(\d+)/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const STRING_PREFIX = /(?:[eE]|[bBxXnN]|[uU]&)'/y;

/** All tokens, in order. O(length). */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skipSpace(sql, 0); at < sql.length; ) {
    const token = readToken(sql, at);
    tokens.push(token);
    at = skipSpace(sql, token.end);
  }
  return tokens;
}

/** Whether a token is this bare word. */
export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}

/** The statements of a script; empty ones are left out. */
export function splitStatements(sql: string): StatementText[] {
  const statements: StatementText[] = [];
  let tokens: Token[] = [];
  const close = (): void => {
    const [first, last] = [tokens[0], tokens.at(-1)];
    if (first !== undefined && last !== undefined) {
      const shift = first.start;
      statements.push({
        sql: sql.slice(shift, last.end),
        tokens: tokens.map((t) => ({ ...t, start: t.start - shift, end: t.end - shift })),
      });
    }
    tokens = [];
  };
  for (const token of tokenize(sql)) {
    if (token.kind === 'symbol' && token.value === ';') close();
    else tokens.push(token);
  }
  close();
  return statements;
}

/** A name as SQL writes it safely: always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal. */
export function quoteText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function skipSpace(sql: string, start: number): number {
  let at = start;
  while (at < sql.length) {
    if (sql.startsWith('/*', at)) at = skipBlockComment(sql, at);
    else {
      const end = matchAt(SPACE, sql, at);
      if (end === undefined) return at;
      at = end;
    }
  }
  return at;
}

/** Block comments nest; one that is not closed reaches to the end. */
function skipBlockComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    if (sql.startsWith('/*', at)) {
      depth++;
      at += 2;
    } else if (sql.startsWith('*/', at)) {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else at++;
  }
  return sql.length;
}

function readToken(sql: string, start: number): Token {
  const character = sql[start];
  if (character === "'") return readString(sql, start, start + 1);
  if (character === '"') return readQuoted(sql, start);
  if (character === '$') return readDollar(sql, start);
  const prefixEnd = matchAt(STRING_PREFIX, sql, start);
  if (prefixEnd !== undefined) return readString(sql, start, prefixEnd);
  const wordEnd = matchAt(WORD, sql, start);
  if (wordEnd !== undefined) {
    return { kind: 'word', value: sql.slice(start, wordEnd).toLowerCase(), start, end: wordEnd };
  }
  const numberEnd = matchAt(NUMBER, sql, start);
  if (numberEnd !== undefined) return token(sql, 'number', start, numberEnd);
  return token(sql, 'symbol', start, start + (sql.startsWith('::', start) ? 2 : 1));
}

function readString(sql: string, start: number, bodyStart: number): Token {
  const escapes = bodyStart - start === 2 && /[eE]/.test(sql[start] ?? '');
  const bodyEnd = findClosing(sql, bodyStart, "'", escapes);
  if (bodyEnd === undefined) return token(sql, 'unterminated', start, sql.length);
  const body = sql.slice(bodyStart, bodyEnd).replaceAll("''", "'");
  const value = escapes ? undoEscapes(body) : body;
  return { kind: 'string', value, start, end: bodyEnd + 1 };
}

function readQuoted(sql: string, start: number): Token {
  const bodyEnd = findClosing(sql, start + 1, '"', false);
  if (bodyEnd === undefined) return token(sql, 'unterminated', start, sql.length);
  const value = sql.slice(start + 1, bodyEnd).replaceAll('""', '"');
  return { kind: 'quoted', value, start, end: bodyEnd + 1 };
}

function readDollar(sql: string, start: number): Token {
  const parameterEnd = matchAt(PARAMETER, sql, start);
  if (parameterEnd !== undefined) {
    return {
      ...token(sql, 'parameter', start, parameterEnd),
      value: sql.slice(start + 1, parameterEnd),
    };
  }
  const tagEnd = matchAt(DOLLAR, sql, start);
  if (tagEnd === undefined) return token(sql, 'symbol', start, start + 1);
  const tag = sql.slice(start, tagEnd);
  const bodyEnd = sql.indexOf(tag, tagEnd);
  if (bodyEnd === -1) return token(sql, 'unterminated', start, sql.length);
  return { kind: 'string', value: sql.slice(tagEnd, bodyEnd), start, end: bodyEnd + tag.length };
}

/** Where the quote stands that ends what starts at `start`: a doubled one does not. */
function findClosing(
  sql: string,
  start: number,
  quote: string,
  escapes: boolean,
): number | undefined {
  for (let at = start; at < sql.length; ) {
    const end = sql.indexOf(quote, at);
    if (end === -1) return undefined;
    const backslash = escapes ? sql.indexOf('\\', at) : -1;
    if (backslash !== -1 && backslash < end) at = backslash + 2;
    else if (sql[end + 1] === quote) at = end + 2;
    else return end;
  }
  return undefined;
}

function undoEscapes(body: string): string {
  const simple: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };
  return body.replaceAll(/\\([\s\S])/g, (_, letter: string) => simple[letter] ?? letter);
}

function token(sql: string, kind: TokenKind, start: number, end: number): Token {
  return { kind, value: sql.slice(start, end), start, end };
}

function matchAt(pattern: RegExp, sql: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}
