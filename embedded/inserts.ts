import type { Settings, Unit } from './engine.ts';
import { quoteName, type Token, tokenize } from './lexer.ts';
import type { Relation, RelationColumn, Relations } from './relation.ts';
import {
  BIND_COMPLETE,
  commandComplete,
  frame,
  int16,
  int32,
  NO_DATA,
  PARSE_COMPLETE,
  parameterDescription,
  readyForQuery,
  text,
} from './wire/backend.ts';
import { splitFrames } from './wire/frames.ts';
import { type FrontendMessage, parseMessage } from './wire/frontend.ts';
import { query } from './wire/request.ts';

/**
 * One INSERT of one row costs as much as one of a thousand: views are maintained per statement.
 * So single-row inserts of many sessions that wait for the backend at the same time become one
 * statement and one commit, and each session gets the answer it would have got alone. Only inserts
 * whose meaning cannot depend on the others' are taken: plain values into a table, no ON CONFLICT,
 * no RETURNING, no expressions. When the joint statement fails nothing has happened, and each runs
 * by itself, so that an error reaches the session whose row it is.
 */

/** A single-row insert that may join others of the same `key`. */
export interface JoinableInsert {
  readonly key: string;
  readonly row: InsertRow;
  /** What the session is answered when it succeeded. */
  readonly answer: Buffer;
}

type InsertRow =
  | {
      readonly kind: 'parameters';
      readonly shape: ParameterShape;
      readonly values: readonly (Buffer | null)[];
    }
  | { readonly kind: 'literals'; readonly head: string; readonly tuple: string };

interface ParameterShape {
  readonly table: string;
  readonly columns: readonly RelationColumn[];
}

const MAX_SHAPES = 500;

/** Larger rows gain nothing from company. */
const MAX_BYTES = 16 * 1024;

/** Settings that cannot change what a plain value means. */
const HARMLESS =
  /^(application_name|extra_float_digits|client_min_messages|statement_timeout|idle_in_transaction_session_timeout|cluster|transaction_isolation|welcome_message)$/;

/** Recognises inserts that may join others. Remembers statements it has seen. */
export class InsertRecognizer {
  readonly #relations: () => Relations;
  readonly #shapes = new Map<string, ParameterShape | null>();
  #shapesOf: Relations | undefined;

  constructor(relations: () => Relations) {
    this.#relations = relations;
  }

  /** Returns null for everything that is to run by itself. */
  recognize(unit: Unit, settings: Settings): JoinableInsert | null {
    if (unit.frames.byteLength > MAX_BYTES || !/^\s*insert\b/i.test(unit.sql)) return null;
    for (const [name, value] of settings) {
      if (!HARMLESS.test(name) && !(name === 'client_encoding' && /^utf-?8$/i.test(value))) {
        return null;
      }
    }
    const frames = [...splitFrames(unit.frames)];
    if (frames.length === 1 && frames[0]?.type === 0x51) return this.#literals(unit);
    return this.#parameters(unit, frames.map(parseMessage));
  }

  #parameters(unit: Unit, messages: readonly FrontendMessage[]): JoinableInsert | null {
    const shape = this.#shapeOf(unit.sql);
    if (shape === null) return null;
    const answer: Buffer[] = [];
    let values: readonly (Buffer | null)[] | undefined;
    for (const message of messages) {
      const part = answerTo(message, shape);
      if (part === null) return null;
      if (message.type === 'bind') values = message.parameters.values;
      answer.push(part);
    }
    if (values?.length !== shape.columns.length || messages.at(-1)?.type !== 'sync') return null;
    return {
      key: `parameters ${unit.sql}`,
      row: { kind: 'parameters', shape, values },
      answer: Buffer.concat(answer),
    };
  }

  #shapeOf(sql: string): ParameterShape | null {
    const relations = this.#relations();
    if (this.#shapesOf !== relations || this.#shapes.size > MAX_SHAPES) this.#shapes.clear();
    this.#shapesOf = relations;
    const known = this.#shapes.get(sql);
    if (known !== undefined) return known;
    const shape = readShape(sql, relations);
    this.#shapes.set(sql, shape);
    return shape;
  }

  #literals(unit: Unit): JoinableInsert | null {
    const tokens = tokenize(unit.sql);
    const insert = readInsert(tokens, this.#relations());
    if (insert === null) return null;
    const values = tokens.slice(insert.valuesAt + 1, tokens.length - 1);
    const [open] = values;
    if (open === undefined || !values.every((token, index) => isLiteralPart(token, index === 0))) {
      return null;
    }
    return {
      key: `literals ${unit.sql.slice(0, open.start)}`,
      row: {
        kind: 'literals',
        head: unit.sql.slice(0, open.start),
        tuple: unit.sql.slice(open.start, tokens.at(-1)?.end),
      },
      answer: Buffer.concat([commandComplete('INSERT 0 1'), readyForQuery('I')]),
    };
  }
}

/** The joint statement of inserts with the same key, in their order, as one unit of messages. */
export function joinInserts(inserts: readonly JoinableInsert[]): Buffer {
  const [first] = inserts;
  if (first?.row.kind === 'parameters') return joinParameters(first.row.shape, inserts);
  const tuples = inserts.map(({ row }) => (row.kind === 'literals' ? row.tuple : ''));
  const head = first?.row.kind === 'literals' ? first.row.head : '';
  return query(`${head}${tuples.join(', ')}`);
}

function joinParameters(shape: ParameterShape, inserts: readonly JoinableInsert[]): Buffer {
  const names = shape.columns.map(({ name }) => quoteName(name)).join(', ');
  const arrays = shape.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  const sql = `INSERT INTO ${shape.table} (${names}) SELECT * FROM unnest(${arrays})`;
  const values = shape.columns.map((_, column) => {
    const items = inserts.map(({ row }) =>
      arrayItem(row.kind === 'parameters' ? (row.values[column] ?? null) : null),
    );
    return Buffer.from(`{${items.join(',')}}`, 'latin1');
  });
  return Buffer.concat([
    frame('P', text(''), text(sql), int16(0)),
    frame(
      'B',
      text(''),
      text(''),
      int16(0),
      int16(values.length),
      ...values.flatMap((value) => [int32(value.byteLength), value]),
      int16(0),
    ),
    frame('E', text(''), int32(0)),
    frame('S'),
  ]);
}

/** Quotes bytes for an array's text; UTF-8 never has a quote or backslash inside a character. */
function arrayItem(value: Buffer | null): string {
  if (value === null) return 'NULL';
  return `"${value.toString('latin1').replace(/["\\]/g, '\\$&')}"`;
}

function answerTo(message: FrontendMessage, shape: ParameterShape): Buffer | null {
  switch (message.type) {
    case 'parse': {
      const isFitting = message.parameterTypes.every(
        (type, index) => type === 0 || type === shape.columns[index]?.typeOid,
      );
      return message.name === '' && isFitting ? PARSE_COMPLETE : null;
    }
    case 'bind':
      return message.parameters.formats.every((format) => format === 0) ? BIND_COMPLETE : null;
    case 'describe':
      return message.what === 'P'
        ? NO_DATA
        : Buffer.concat([parameterDescription(shape.columns.map((each) => each.typeOid)), NO_DATA]);
    case 'execute':
      return commandComplete('INSERT 0 1');
    case 'sync':
      return readyForQuery('I');
    case 'flush':
      return Buffer.alloc(0);
    default:
      return null;
  }
}

/** `VALUES ($1, $2, …)`, one parameter a column. */
function readShape(sql: string, relations: Relations): ParameterShape | null {
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

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}

/** Part of a tuple of plain literals. The lexer has no look at U&'…' UESCAPE, so neither is taken. */
function isLiteralPart(token: Token, isFirst: boolean): boolean {
  if (isFirst) return token.value === '(';
  if (token.kind === 'string' || token.kind === 'number') return true;
  if (token.kind === 'word') return ['null', 'true', 'false', 'default'].includes(token.value);
  return token.kind === 'symbol' && [',', '-', '+'].includes(token.value);
}
