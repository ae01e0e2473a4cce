import { EngineError } from '../engine.ts';
import type { Value } from '../kafka/definition.ts';
import type { Token } from '../lexer.ts';
import { notSupported } from './backend.ts';
import type { TokenReader } from './reader.ts';

/** What stands behind an option's name. */
type Given = readonly Token[];

/** The options of a statement: `(NAME [=] value, …)`. Each is taken once; what is left is refused. */
export class OptionList {
  readonly #options: Map<string, Given>;

  private constructor(options: Map<string, Given>) {
    this.#options = options;
  }

  /** Reads a list in parentheses; names are the bare words before the value. */
  static read(reader: TokenReader): OptionList {
    const options = new Map<string, Given>();
    const parenthesised = reader.acceptSymbol('(');
    reader.commaList(() => {
      const name: string[] = [];
      while (isNamePart(reader)) name.push(reader.identifier());
      reader.acceptSymbol('=');
      if (name.length === 0) throw reader.wrong("an option's name");
      options.set(name.join(' '), readGiven(reader));
    });
    if (parenthesised) reader.expectSymbol(')');
    return new OptionList(options);
  }

  /** The texts of an option that takes one or several; [] when it is not given. */
  texts(name: string): readonly string[] {
    return this.#take(name)
      .filter((token) => token.kind !== 'symbol')
      .map((token) => token.value);
  }

  text(name: string): string | null {
    const [first, more] = this.texts(name);
    if (more !== undefined) throw notSupported(`${name.toUpperCase()} … ${more.toUpperCase()}`);
    return first ?? null;
  }

  /** A text, or `SECRET name`. */
  value(name: string): Value | null {
    const [first, second] = this.#options.get(name) ?? this.#take(`${name} secret`);
    const isSecret = first?.kind === 'word' && first.value === 'secret' && second !== undefined;
    const secret = isSecret ? second : this.#options.has(name) ? undefined : first;
    if (secret !== undefined) {
      this.#options.delete(name);
      return { secret: secret.value };
    }
    const text = this.text(name);
    return text === null ? null : { text };
  }

  /** Passes over options that change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#options.delete(name);
  }

  /** @throws {EngineError} 0A000 for options that nobody took. */
  end(of: string): void {
    const [left] = this.#options.keys();
    if (left !== undefined) throw notSupported(`${left.toUpperCase()} in ${of}`);
  }

  missing(what: string): EngineError {
    return new EngineError('42601', `expected the option ${what}`);
  }

  #take(name: string): Given {
    const given = this.#options.get(name) ?? [];
    this.#options.delete(name);
    return given;
  }
}

/** A bare word is part of the name, unless it is the last before the option's end. */
function isNamePart(reader: TokenReader): boolean {
  if (reader.peek()?.kind !== 'word') return false;
  const next = reader.peek(1);
  return next !== undefined && !(next.kind === 'symbol' && [',', ')'].includes(next.value));
}

function readGiven(reader: TokenReader): Given {
  const tokens: Token[] = [];
  for (let depth = 0; ; ) {
    const token = reader.peek();
    if (token === undefined) return tokens;
    const isSymbol = token.kind === 'symbol';
    if (depth === 0 && isSymbol && [',', ')'].includes(token.value)) return tokens;
    if (isSymbol && ['(', '['].includes(token.value)) depth++;
    if (isSymbol && [')', ']'].includes(token.value)) depth--;
    tokens.push(reader.next('a value'));
  }
}
