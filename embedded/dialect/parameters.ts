import { EngineError } from '../engine.ts';
import { quoteText, type StatementText, tokenize } from '../lexer.ts';

/** How many `$n` a statement has: the greatest n. */
export function countParameters(statement: StatementText): number {
  return statement.tokens.reduce(
    (most, token) => (token.kind === 'parameter' ? Math.max(most, Number(token.value)) : most),
    0,
  );
}

/**
 * The statement with literals for `$1`, `$2` …; the values are in text format, null for NULL.
 *
 * @throws {EngineError} 08P01 when a value is missing.
 */
export function bindParameters(
  statement: StatementText,
  values: readonly (string | null)[],
): StatementText {
  let sql = statement.sql;
  for (const token of statement.tokens.toReversed()) {
    if (token.kind !== 'parameter') continue;
    const value = values[Number(token.value) - 1];
    if (value === undefined) {
      throw new EngineError('08P01', `there is no value for parameter $${token.value}`);
    }
    const literal = value === null ? 'NULL' : quoteText(value);
    sql = sql.slice(0, token.start) + literal + sql.slice(token.end);
  }
  return { sql, tokens: tokenize(sql) };
}
