import type { Column, Timestamp } from '../../protocol/update.ts';
import { messageOf, UpstreamError } from '../errors.ts';
import {
  type Dialect,
  dialectOf,
  identityStatement,
  notMaterialize,
  quoteName,
  quoteText,
  sessionStatements,
} from './dialect.ts';
import { parseTime } from './rows.ts';

/** What makes a view this view and no other: when one of these changes, so does its epoch. */
export interface Relation {
  /** The database's identity: an environment, cluster or store id. */
  readonly identity: string;
  /** The object's id, which DROP and CREATE change; '' where the catalogue does not list it. */
  readonly object: string;
  readonly columns: readonly Column[];
  /** The statement that made it, for people; null where the database does not tell it. */
  readonly definition: string | null;
}

/** Runs one statement in the simple protocol, where errors come at once in both dialects. */
export type Query = (sql: string) => Promise<readonly Readonly<Record<string, string | null>>[]>;

/**
 * Finds out which dialect the peer speaks.
 *
 * @throws {UpstreamError} NOT_MATERIALIZE for a plain PostgreSQL.
 */
export async function detectDialect(query: Query): Promise<Dialect> {
  let version: string | null | undefined;
  try {
    [version] = Object.values((await query('SELECT mz_version()'))[0] ?? {});
  } catch (error) {
    // 42883: undefined function. Anything else is a fault that may pass.
    if (sqlState(error) !== '42883') throw error;
    throw notMaterialize(messageOf(error), error);
  }
  const dialect = dialectOf(version ?? '');
  // The keyword changed somewhere among the builds that lead to 0.27.0.
  if (/^v0\.27\.0-/.test(version ?? '')) return (await takesSubscribe(query)) ? dialect : 'tail';
  return dialect;
}

/** DECLARE parses its statement and starts nothing. */
async function takesSubscribe(query: Query): Promise<boolean> {
  await query('BEGIN');
  try {
    await query('DECLARE viewcast_probe CURSOR FOR SUBSCRIBE (SELECT 1)');
    return true;
  } catch (error) {
    // 42601: syntax.
    if (sqlState(error) !== '42601') throw error;
    return false;
  } finally {
    await query('ROLLBACK');
  }
}

/** Sets the session up for a stream; a setting that the peer does not have is left out. */
export async function prepareSession(query: Query, dialect: Dialect): Promise<void> {
  for (const statement of sessionStatements(dialect)) {
    try {
      await query(statement);
    } catch (error) {
      if (sqlState(error) === undefined) throw error;
    }
  }
}

/**
 * Describes a view.
 *
 * @throws {UpstreamError} UNKNOWN_VIEW when the database has no such view.
 */
export async function describeRelation(
  query: Query,
  dialect: Dialect,
  view: string,
): Promise<Relation> {
  const identity = (await query(identityStatement(dialect)))[0]?.id ?? '';
  const columns = await describeColumns(query, view);
  const name = view.split('.').at(-1) ?? view;
  const objects = await query(
    `SELECT id FROM mz_catalog.mz_objects WHERE name = ${quoteText(name)}`,
  );
  const object = objects.map((row) => row.id ?? '').sort();
  const definition = await readDefinition(query, view);
  return { identity, object: object.join(), columns, definition };
}

/** Neither a source nor a table has one, and not everybody may ask: it is shown, not needed. */
async function readDefinition(query: Query, view: string): Promise<string | null> {
  for (const kind of ['MATERIALIZED VIEW', 'VIEW']) {
    try {
      const [row] = await query(`SHOW CREATE ${kind} ${quoteName(view)}`);
      // The name of the column differs among versions; it is the last one.
      const sql = Object.values(row ?? {}).at(-1);
      if (sql) return sql;
    } catch (error) {
      if (sqlState(error) === undefined) throw error;
    }
  }
  return null;
}

async function describeColumns(query: Query, view: string): Promise<readonly Column[]> {
  let rows: Awaited<ReturnType<Query>>;
  try {
    rows = await query(`SHOW COLUMNS FROM ${quoteName(view)}`);
  } catch (error) {
    if (!isUnknownRelation(error)) throw error;
    throw new UpstreamError(
      'UNKNOWN_VIEW',
      `the database has no view ${view} (${messageOf(error)}): create it, or take it off the list of views`,
      { cause: error },
    );
  }
  return rows.map((row) => ({ name: row.name ?? '', type: row.type ?? '' }));
}

/**
 * The upstream's own time: what is asked of now must be complete before a view is shown. Null on
 * the older line, which tells it only from a relation.
 */
export async function upstreamNow(query: Query, dialect: Dialect): Promise<Timestamp | null> {
  if (dialect === 'tail') return null;
  const [text] = Object.values((await query('SELECT mz_now()'))[0] ?? {});
  const now = parseTime(text);
  return now === 'end' ? null : now;
}

/** The SQLSTATE of an error that the server sent; undefined for a broken connection. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code } = error;
  // Five characters, one a digit at least: EPIPE is none.
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** True for the errors that say: no such relation (XX000 on both lines, 42P01 elsewhere). */
export function isUnknownRelation(error: unknown): boolean {
  const state = sqlState(error);
  if (state === '42P01' || state === '42704') return true;
  return state === 'XX000' && /unknown catalog item|was dropped/i.test(messageOf(error));
}
