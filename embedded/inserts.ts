import type { Settings, Unit } from './engine.ts';
import {
  type LiteralInsert,
  type ParameterInsert,
  readLiteralInsert,
  readParameterInsert,
} from './insert-statement.ts';
import { quoteName } from './lexer.ts';
import type { Relations } from './relation.ts';
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
      readonly insert: ParameterInsert;
      readonly values: readonly (Buffer | null)[];
    }
  | ({ readonly kind: 'literals' } & LiteralInsert);

/** So many statements are remembered. */
const MAX_KNOWN = 500;

/** Larger rows gain nothing from company. */
const MAX_BYTES = 16 * 1024;

/** Settings that cannot change what a plain value means. */
const HARMLESS =
  /^(application_name|extra_float_digits|client_min_messages|statement_timeout|idle_in_transaction_session_timeout|cluster|transaction_isolation|welcome_message)$/;

/** Recognises inserts that may join others. Remembers statements it has seen. */
export class InsertRecognizer {
  readonly #relations: () => Relations;
  readonly #known = new Map<string, ParameterInsert | null>();
  #knownOf: Relations | undefined;

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
    const insert = this.#insertOf(unit.sql);
    if (insert === null) return null;
    const answer: Buffer[] = [];
    let values: readonly (Buffer | null)[] | undefined;
    for (const message of messages) {
      const part = answerTo(message, insert);
      if (part === null) return null;
      if (message.type === 'bind') values = message.parameters.values;
      answer.push(part);
    }
    if (values?.length !== insert.columns.length || messages.at(-1)?.type !== 'sync') return null;
    return {
      key: `parameters ${unit.sql}`,
      row: { kind: 'parameters', insert, values },
      answer: Buffer.concat(answer),
    };
  }

  #insertOf(sql: string): ParameterInsert | null {
    const relations = this.#relations();
    if (this.#knownOf !== relations || this.#known.size > MAX_KNOWN) this.#known.clear();
    this.#knownOf = relations;
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    const insert = readParameterInsert(sql, relations);
    this.#known.set(sql, insert);
    return insert;
  }

  #literals(unit: Unit): JoinableInsert | null {
    const insert = readLiteralInsert(unit.sql, this.#relations());
    if (insert === null) return null;
    return {
      key: `literals ${insert.head}`,
      row: { kind: 'literals', ...insert },
      answer: Buffer.concat([commandComplete('INSERT 0 1'), readyForQuery('I')]),
    };
  }
}

/** The joint statement of inserts with the same key, in their order, as one unit of messages. */
export function joinInserts(inserts: readonly JoinableInsert[]): Buffer {
  const [first] = inserts;
  if (first?.row.kind === 'parameters') return joinParameters(first.row.insert, inserts);
  const tuples = inserts.map(({ row }) => (row.kind === 'literals' ? row.tuple : ''));
  const head = first?.row.kind === 'literals' ? first.row.head : '';
  return query(`${head}${tuples.join(', ')}`);
}

function joinParameters(
  { table, columns }: ParameterInsert,
  inserts: readonly JoinableInsert[],
): Buffer {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  const sql = `INSERT INTO ${table} (${names}) SELECT * FROM unnest(${arrays})`;
  const values = columns.map((_, column) => {
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

/** What PostgreSQL answers to a message of an insert that succeeds; null for one that is in no such. */
function answerTo(message: FrontendMessage, { columns }: ParameterInsert): Buffer | null {
  switch (message.type) {
    case 'parse': {
      const isFitting = message.parameterTypes.every(
        (type, index) => type === 0 || type === columns[index]?.typeOid,
      );
      return message.name === '' && isFitting ? PARSE_COMPLETE : null;
    }
    case 'bind':
      return message.parameters.formats.every((format) => format === 0) ? BIND_COMPLETE : null;
    case 'describe':
      return message.what === 'P'
        ? NO_DATA
        : Buffer.concat([parameterDescription(columns.map((each) => each.typeOid)), NO_DATA]);
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
