import { isWord, quoteName, type Token, tokenize } from './lexer.ts';
import type { Relation, RelationColumn, Relations } from './relation.ts';

/**
 * Reads `INSERT INTO table [(columns)] VALUES (…)` of one row whose values are plain: parameters in
 * order, or literals. Everything else is null, also what PostgreSQL would refuse.
 */

/** An insert of parameters alone, one a column. */
export interface ParameterInsert {
  /** As SQL writes it. */
  readonly table: string;
  readonly columns: readonly RelationColumn[];
}

/** An insert of literals: the statement as far as VALUES, and the row in its parentheses. */
export interface LiteralInsert {
  readonly head: string;
  readonly tuple: string;
}

/** `VALUES ($1, $2, …)`, one parameter a column. */
export function readParameterInsert(sql: string, relations: Relations): ParameterInsert | null {
  const tokens = tokenize(sql);
  const insert = readInsert(tokens, relations);
  if (insert === null) return null;
  const values = tokens.slice(insert.valuesAt + 2, -1);
  const { columns } = insert;
  if (values.length !== 2 * columns.length - 1) return null;
  const fits = values.every((token, index) =>
    index % 2 === 1
      ? token.value === ','
      : token.kind === 'parameter' && token.value === String(index / 2 + 1),
  );
  // Casting to these types' own arrays would cut values to one character.
  const isUnnestable = columns.every(
    ({ unnestable, typeOid }) => unnestable && typeOid !== BPCHAR && typeOid !== BIT,
  );
  return fits && isUnnestable ? { table: insert.table, columns } : null;
}

const [BPCHAR, BIT] = [1042, 1560];

/** `VALUES (1, 'x', NULL)`. */
export function readLiteralInsert(sql: string, relations: Relations): LiteralInsert | null {
  const tokens = tokenize(sql);
  const insert = readInsert(tokens, relations);
  if (insert === null) return null;
  const values = tokens.slice(insert.valuesAt + 1, tokens.length - 1);
  const [open] = values;
  if (open === undefined || !values.every((token, index) => isLiteralPart(token, index === 0))) {
    return null;
  }
  return {
    head: sql.slice(0, open.start),
    tuple: sql.slice(open.start, tokens.at(-1)?.end),
  };
}

/** Part of a tuple of plain literals. The lexer has no look at U&'…' UESCAPE, so neither is taken. */
function isLiteralPart(token: Token, isFirst: boolean): boolean {
  if (isFirst) return token.value === '(';
  if (token.kind === 'string' || token.kind === 'number') return true;
  if (token.kind === 'word') return ['null', 'true', 'false', 'default'].includes(token.value);
  return token.kind === 'symbol' && [',', '-', '+'].includes(token.value);
}

interface ReadInsert {
  readonly table: string;
  readonly columns: readonly RelationColumn[];
  /** Index of the token VALUES. */
  readonly valuesAt: number;
}

/** `INSERT INTO table [(columns)] VALUES ( … )` and nothing behind it. */
function readInsert(tokens: readonly Token[], relations: Relations): ReadInsert | null {
  if (!isWord(tokens[0], 'insert') || !isWord(tokens[1], 'into')) return null;
  let at = 2;
  if (isWord(tokens[at], 'public') && tokens[at + 1]?.value === '.') at += 2;
  const name = tokens[at];
  if (name?.kind !== 'word' && name?.kind !== 'quoted') return null;
  const relation = relations.named(name.value);
  if (relation?.method !== 'table' || relation.schema !== 'public') return null;
  const valuesAt = tokens.findIndex((token) => isWord(token, 'values'));
  const isOneTuple = tokens[valuesAt + 1]?.value === '(' && tokens.at(-1)?.value === ')';
  const closings = tokens
    .slice(valuesAt)
    .filter((token) => token.kind === 'symbol' && token.value === ')');
  if (valuesAt === -1 || !isOneTuple || closings.length !== 1) return null;
  const columns = namedColumns(tokens.slice(at + 1, valuesAt), relation);
  if (columns === null) return null;
  return { table: `public.${quoteName(relation.name)}`, columns, valuesAt };
}

function namedColumns(
  tokens: readonly Token[],
  relation: Relation,
): readonly RelationColumn[] | null {
  if (tokens.length === 0) return relation.columns;
  if (tokens[0]?.value !== '(' || tokens.at(-1)?.value !== ')') return null;
  const columns: RelationColumn[] = [];
  for (const [index, token] of tokens.slice(1, -1).entries()) {
    if (index % 2 === 1) {
      if (token.value !== ',') return null;
      continue;
    }
    const column = relation.columns.find((each) => each.name === token.value);
    if (column === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) return null;
    columns.push(column);
  }
  return columns;
}
