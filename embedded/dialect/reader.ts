import { EngineError } from '../engine.ts';
import { isWord, type StatementText, type Token } from '../lexer.ts';

/** Walks over a statement's tokens; what the parsers of the dialect are written with. */
export class TokenReader {
  readonly #sql: string;
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(statement: StatementText) {
    this.#sql = statement.sql;
    this.#tokens = statement.tokens;
  }

  get sql(): string {
    return this.#sql;
  }

  get atEnd(): boolean {
    return this.#position >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#position + ahead];
  }

  /** Whether these bare words stand next. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, ahead) => isWord(this.peek(ahead), word));
  }

  /** Steps over these words when all of them stand next. */
  accept(...words: readonly string[]): boolean {
    const seen = this.sees(...words);
    if (seen) this.#position += words.length;
    return seen;
  }

  acceptSymbol(symbol: string): boolean {
    const token = this.peek();
    const seen = token?.kind === 'symbol' && token.value === symbol;
    if (seen) this.#position++;
    return seen;
  }

  expect(...words: readonly string[]): void {
    if (!this.accept(...words)) throw this.wrong(words.join(' ').toUpperCase());
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.wrong(`"${symbol}"`);
  }

  expectEnd(): void {
    if (!this.atEnd) throw this.wrong('the end of the statement');
  }

  next(expected: string): Token {
    const token = this.peek();
    if (token === undefined) throw this.wrong(expected);
    this.#position++;
    return token;
  }

  /** One identifier, unquoted, lower-cased where it stood bare. */
  identifier(): string {
    const token = this.peek();
    if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.wrong('a name');
    this.#position++;
    return token.value;
  }

  /** A name of one to three parts without `materialize.` and `public.`, which are always meant. */
  relationName(): string {
    const parts = [this.identifier()];
    while (this.acceptSymbol('.')) parts.push(this.identifier());
    if (parts.length > 2 && parts[0] === 'materialize') parts.shift();
    if (parts.length > 1 && parts[0] === 'public') parts.shift();
    return parts.join('.');
  }

  /** A text in quotes; `expected` says which. */
  string(expected: string): string {
    const token = this.peek();
    if (token?.kind !== 'string') throw this.wrong(expected);
    this.#position++;
    return token.value;
  }

  relationNames(): string[] {
    return this.commaList(() => this.relationName());
  }

  /** `(a, b)`; [] when no parenthesis stands next. */
  columnNames(): string[] {
    if (!this.acceptSymbol('(')) return [];
    const names = this.commaList(() => this.identifier());
    this.expectSymbol(')');
    return names;
  }

  /** Steps over `(…)` and returns what stands inside. */
  parenthesised(): string {
    const open = this.peek();
    this.expectSymbol('(');
    for (let depth = 1; ; ) {
      const token = this.next('")"');
      if (token.kind !== 'symbol') continue;
      if (token.value === '(') depth++;
      if (token.value === ')') depth--;
      if (depth === 0) return this.#sql.slice(open?.end, token.start).trim();
    }
  }

  /** Everything from here on, and steps behind it. */
  rest(): string {
    const start = this.peek()?.start ?? this.#sql.length;
    this.#position = this.#tokens.length;
    return this.#sql.slice(start);
  }

  /** The statement that starts here. */
  restStatement(): StatementText {
    const shift = this.peek()?.start ?? this.#sql.length;
    const tokens = this.#tokens
      .slice(this.#position)
      .map((t) => ({ ...t, start: t.start - shift, end: t.end - shift }));
    return { sql: this.rest(), tokens };
  }

  wrong(expected: string): EngineError {
    const token = this.peek();
    const found = token ? this.#sql.slice(token.start, token.end).slice(0, 40) : 'the end';
    return new EngineError('42601', `expected ${expected}, found ${found}`);
  }

  /** One or several, by commas. */
  commaList<T>(read: () => T): T[] {
    const list = [read()];
    while (this.acceptSymbol(',')) list.push(read());
    return list;
  }
}
