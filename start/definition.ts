import { type Token, tokenize } from '../embedded/lexer.ts';

/** What a file below `sql/` can define. */
export type DefinitionKind =
  | 'table'
  | 'view'
  | 'materialized-view'
  | 'source'
  | 'connection'
  | 'secret';

/** A relation, or what one is read with, as a file below `sql/` defines it. */
export interface Definition {
  readonly name: string;
  readonly kind: DefinitionKind;
  /** The statement, without its semicolon. */
  readonly sql: string;
  /** Equal exactly when two statements differ in nothing but space and comments. */
  readonly fingerprint: string;
  /** For a view, where its query starts in `sql`; else null. */
  readonly queryStart: number | null;
  readonly file: string;
  /** Of the statement's first character, from 1. */
  readonly line: number;
}

/** What is wrong in a file below `sql/`, and where. */
export class SqlFileError extends Error {
  override readonly name = 'SqlFileError';

  constructor(file: string, line: number, told: string) {
    super(`${file}:${line}: ${told}`);
  }
}

/**
 * Reads the definitions of one file, in its order.
 *
 * @throws {SqlFileError} at a statement that is no CREATE of these kinds, or one whose quote is not
 * closed.
 */
export function readDefinitions(file: string, source: string): readonly Definition[] {
  return splitTokens(tokenize(source)).map((tokens) => readOne(file, source, tokens));
}

function splitTokens(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.value === ';') statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

function readOne(file: string, source: string, tokens: readonly Token[]): Definition {
  const start = tokens[0]?.start ?? 0;
  const line = lineAt(source, start);
  const open = tokens.find((token) => token.kind === 'unterminated');
  if (open !== undefined) {
    throw new SqlFileError(file, lineAt(source, open.start), 'a quote is opened and not closed');
  }
  const head = readHead(tokens);
  if (head === null) {
    const words = tokens.slice(0, 4).map((token) => source.slice(token.start, token.end));
    throw new SqlFileError(
      file,
      line,
      `expected CREATE TABLE, VIEW, MATERIALIZED VIEW, SOURCE, CONNECTION or SECRET and a bare name, but it says "${words.join(' ')} …"`,
    );
  }
  const sql = source.slice(start, tokens.at(-1)?.end);
  const isView = head.kind === 'view' || head.kind === 'materialized-view';
  const query = isView ? findQuery(tokens.slice(head.length)) : null;
  return {
    name: head.name,
    kind: head.kind,
    sql,
    fingerprint: fingerprint(tokens),
    queryStart: query === null ? null : query - start,
    file,
    line,
  };
}

interface Head {
  readonly kind: Definition['kind'];
  readonly name: string;
  /** How many tokens it takes. */
  readonly length: number;
}

const KINDS: readonly (readonly [DefinitionKind, readonly string[]])[] = [
  ['table', ['table']],
  ['materialized-view', ['materialized', 'view']],
  ['view', ['view']],
  ['source', ['source']],
  ['source', ['materialized', 'source']],
  ['connection', ['connection']],
  ['secret', ['secret']],
];

/** CREATE [OR REPLACE] (TABLE | [MATERIALIZED] (VIEW | SOURCE) | …) [IF NOT EXISTS] name */
function readHead(tokens: readonly Token[]): Head | null {
  let at = 0;
  const accept = (...words: readonly string[]): boolean => {
    const found = words.every((word, ahead) => isWord(tokens[at + ahead], word));
    if (found) at += words.length;
    return found;
  };
  if (!accept('create')) return null;
  accept('or', 'replace');
  const [kind] = KINDS.find(([, words]) => accept(...words)) ?? [null];
  accept('if', 'not', 'exists');
  const name = tokens[at];
  const qualified = tokens[at + 1]?.value === '.';
  if (kind === null || name === undefined || qualified) return null;
  if (name.kind !== 'word' && name.kind !== 'quoted') return null;
  return { kind, name: name.value, length: at + 1 };
}

/** Where the query starts: after the first AS outside of parentheses. */
function findQuery(tokens: readonly Token[]): number | null {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'symbol' && token.value === '(') depth++;
    if (token.kind === 'symbol' && token.value === ')') depth--;
    if (depth === 0 && isWord(token, 'as')) return tokens[at + 1]?.start ?? null;
  }
  return null;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}

function fingerprint(tokens: readonly Token[]): string {
  return JSON.stringify(tokens.map((token) => `${token.kind[0]}${token.value}`));
}

/** The line of a position in a text, from 1. */
export function lineAt(source: string, position: number): number {
  return source.slice(0, position).split('\n').length;
}
