import { tokenize } from '../embedded/lexer.ts';
import type { Definition } from './definition.ts';
import type { Database } from './hand-made.ts';

/** What SQL is applied to. */
export interface Target {
  readonly product: 'engine' | 'materialize';
  /** It is of the line up to 0.26. */
  readonly isOlder: boolean;
  /** As it says it. */
  readonly version: string;
  /** Distinguishes it from every other. */
  readonly identity: string;
  /** The same database, with what lists its objects. */
  readonly database: Database;
}

/** In Materialize other schemas and the system's own objects stand beside the user's. */
const OBJECTS = `SELECT o.name, o.type FROM mz_catalog.mz_objects AS o
  JOIN mz_catalog.mz_schemas AS s ON o.schema_id = s.id
  WHERE s.name = 'public' AND o.id LIKE 'u%'`;

/**
 * Asks a database what it is.
 *
 * @throws Error in one sentence when it is neither Materialize nor the engine.
 */
export async function recogniseTarget(database: Database): Promise<Target> {
  const version = await ask(database, 'SELECT mz_version() AS answer').catch((error: unknown) => {
    throw new Error(
      'this is neither Materialize nor the embedded engine: it has no mz_version(), as a plain PostgreSQL has none',
      { cause: error },
    );
  });
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const isOlder = Number(major) === 0 && Number(minor) < 27;
  const identity = await ask(
    database,
    `SELECT ${isOlder ? 'mz_cluster_id' : 'mz_environment_id'}()::text AS answer`,
  );
  return version.includes('viewcast')
    ? { product: 'engine', isOlder, version, identity, database }
    : {
        product: 'materialize',
        isOlder,
        version,
        identity,
        database: { query: (sql) => database.query(sql), objects: OBJECTS },
      };
}

async function ask(database: Database, sql: string): Promise<string> {
  const [row] = await database.query(sql);
  return String(row?.answer);
}

/** A statement as a Materialize up to 0.26 has it: `mz_now()` has another name there. */
export function asTail(definition: Definition): Definition {
  let sql = definition.sql;
  for (const { kind, value, start, end } of tokenize(sql).toReversed()) {
    if (kind === 'word' && value === 'mz_now') {
      sql = `${sql.slice(0, start)}mz_logical_timestamp${sql.slice(end)}`;
    }
  }
  return { ...definition, sql };
}
