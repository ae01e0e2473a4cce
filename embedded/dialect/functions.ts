import { EngineError } from '../engine.ts';
import { quoteName, quoteText, type Token, tokenize } from '../lexer.ts';

/** What Materialize's functions without arguments answer here. */
export interface FunctionValues {
  readonly version: string;
  readonly versionNumber: number;
  readonly environmentId: string;
  /** The older line has other names for some; those of the newer one it does not know. */
  readonly older?: boolean | undefined;
  /** Asked only when the statement reads the time. */
  readonly now: () => Promise<bigint>;
}

/**
 * Replaces calls of Materialize's functions in a statement for PostgreSQL by literals, keeping the
 * names of result columns: `mz_version()`, `mz_version_num()`, `mz_environment_id()` or the older
 * `mz_cluster_id()`, `mz_now()`, `mz_logical_timestamp()`. Also makes the queries behind psql's `\d` fit: `relhasoids`, which it asks
 * servers of the advertised version for, was dropped by PostgreSQL 12, and the engine's own tables
 * are nobody's business.
 */
export async function replaceFunctions(sql: string, values: FunctionValues): Promise<string> {
  if (!/mz_|relhasoids|pg_table_is_visible/i.test(sql)) return sql;
  const tokens = tokenize(sql);
  let result = '';
  let at = 0;
  for (const index of tokens.keys()) {
    const replaced = await replacement(tokens, index, values);
    if (replaced === undefined) continue;
    result += sql.slice(at, replaced.start) + replaced.text;
    at = replaced.end;
  }
  return result + sql.slice(at);
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

async function replacement(
  tokens: readonly Token[],
  index: number,
  values: FunctionValues,
): Promise<Replacement | undefined> {
  const token = tokens[index];
  if (token?.kind !== 'word') return undefined;
  if (token.value === 'relhasoids') return withoutOids(tokens, index, token);
  if (token.value === 'pg_table_is_visible') return withoutOwnTables(tokens, index);
  const close = tokens[index + 2];
  if (tokens[index + 1]?.value !== '(' || close?.value !== ')') return undefined;
  const literal = await literalOf(token.value, values);
  if (literal === undefined) return undefined;
  const alias = isWholeColumn(tokens, index) ? ` AS ${token.value}` : '';
  const start = qualifierStart(tokens, index) ?? token.start;
  return { start, end: close.end, text: literal + alias };
}

function withoutOids(tokens: readonly Token[], index: number, token: Token): Replacement {
  return { start: qualifierStart(tokens, index) ?? token.start, end: token.end, text: 'false' };
}

/** `pg_table_is_visible(c.oid)`, and not one of the engine's own. */
function withoutOwnTables(tokens: readonly Token[], index: number): Replacement | undefined {
  const [open, alias, dot, column, close] = tokens.slice(index + 1, index + 6);
  const start = qualifierStart(tokens, index) ?? tokens[index]?.start;
  const isCall = open?.value === '(' && dot?.value === '.' && column?.value === 'oid';
  if (!isCall || alias === undefined || close?.value !== ')' || start === undefined)
    return undefined;
  const schema = `${quoteName(alias.value)}.relnamespace::pg_catalog.regnamespace::pg_catalog.text`;
  const text = `(pg_catalog.pg_table_is_visible(${quoteName(alias.value)}.oid)
    AND ${schema} OPERATOR(pg_catalog.!~) '^(viewcast|mz_catalog)')`;
  return { start, end: close.end, text };
}

/** Where `c.` or `mz_catalog.` in front of a name starts. */
function qualifierStart(tokens: readonly Token[], index: number): number | undefined {
  return tokens[index - 1]?.value === '.' ? tokens[index - 2]?.start : undefined;
}

async function literalOf(name: string, values: FunctionValues): Promise<string | undefined> {
  switch (name) {
    case 'mz_version':
      return `${quoteText(values.version)}::text`;
    case 'mz_version_num':
      return `${values.versionNumber}`;
    case 'mz_cluster_id':
      return values.older ? `${quoteText(values.environmentId)}::text` : undefined;
    case 'mz_environment_id':
      if (values.older) throw unknownFunction(name);
      return `${quoteText(values.environmentId)}::text`;
    case 'mz_now':
      if (values.older) throw unknownFunction(name);
      return `${await values.now()}::numeric`;
    case 'mz_logical_timestamp':
      return `${await values.now()}::numeric`;
    default:
      return undefined;
  }
}

function unknownFunction(name: string): EngineError {
  return new EngineError('42883', `function "${name}" does not exist`);
}

/** Whether the call is a column of the outermost SELECT by itself, which names the column. */
function isWholeColumn(tokens: readonly Token[], index: number): boolean {
  const before = tokens[tokens[index - 1]?.value === '.' ? index - 3 : index - 1];
  const after = tokens[index + 3];
  const starts =
    before?.value === 'select' || (before?.value === ',' && depthAt(tokens, index) === 0);
  const ends = after === undefined || after.value === ',' || after.value === 'from';
  return starts && ends && !tokens.slice(0, index).some((token) => token.value === 'from');
}

function depthAt(tokens: readonly Token[], index: number): number {
  let depth = 0;
  for (const token of tokens.slice(0, index)) {
    if (token.value === '(') depth++;
    if (token.value === ')') depth--;
  }
  return depth;
}
