import type { Store } from './store.ts';
import type { TextRow } from './store-frames.ts';

/** What PostgreSQL knows about a view's query, read from the parse tree it keeps of it. */
export interface ViewFacts {
  /** Object ids of the relations it names. */
  readonly relations: readonly number[];
  /** Some relation it names belongs to PostgreSQL itself. */
  readonly readsSystem: boolean;
  /** Names of functions that may answer differently at another time, or '' when there is none. */
  readonly timeFunctions: string;
  readonly volatileFunctions: string;
  /** It calls functions that depend on session settings, such as the time zone. */
  readonly dependsOnSettings: boolean;
  /** It adds up fractions, whose kept sums drift or print other digits than fresh ones. */
  readonly sumsFractions: boolean;
  /** As PostgreSQL prints it, without the semicolon. */
  readonly query: string;
}

/** Stable functions that depend on nothing but session settings, which the engine pins. */
const SETTINGS_ONLY =
  '^(to_char|to_date|to_timestamp|date_trunc|date_part|extract|date_bin|timezone|timestamp.*|date.*|time|timetz.*|text|concat.*|format|to_json.*|row_to_json|jsonb?_.*|array_.*|interval.*|like.*)$';
const TIME =
  '^(now|transaction_timestamp|statement_timestamp|clock_timestamp|timeofday|mz_now|mz_logical_timestamp|age|pg_sleep.*)$';

/** Reads a view's facts by its object id. Function names are those of `pg_proc`. */
export async function readViewFacts(store: Store, oid: number): Promise<ViewFacts> {
  const [row] = await store.query(`
    WITH rule AS (SELECT ev_action::text AS tree FROM pg_rewrite WHERE ev_class = ${oid}),
    relation AS (
      SELECT DISTINCT m[1]::oid AS oid FROM rule, regexp_matches(tree, ':relid (\\d+)', 'g') AS m
      WHERE m[1]::oid NOT IN (0, ${oid})
    ),
    function AS (
      SELECT DISTINCT p.oid, p.proname, p.provolatile
      FROM rule, regexp_matches(tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') AS m
      JOIN pg_proc AS p ON p.oid = m[1]::oid
    )
    SELECT
      (SELECT coalesce(string_agg(oid::text, ','), '') FROM relation),
      EXISTS (SELECT FROM relation JOIN pg_class USING (oid)
        WHERE relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)),
      (SELECT coalesce(string_agg(proname, ', '), '') FROM function
        WHERE provolatile <> 'i' AND proname ~ '${TIME}')
        || (SELECT CASE WHEN tree ~ 'SQLVALUEFUNCTION' THEN ' CURRENT_…' ELSE '' END FROM rule),
      (SELECT coalesce(string_agg(proname, ', '), '') FROM function
        WHERE provolatile = 'v' OR provolatile = 's' AND proname !~ '${SETTINGS_ONLY}'),
      EXISTS (SELECT FROM function WHERE provolatile = 's') OR (SELECT tree ~ 'COERCEVIAIO' FROM rule),
      EXISTS (SELECT FROM function WHERE oid IN (
        'sum(real)'::regprocedure, 'sum(double precision)'::regprocedure,
        'avg(real)'::regprocedure, 'avg(double precision)'::regprocedure,
        'sum(numeric)'::regprocedure, 'avg(numeric)'::regprocedure)),
      pg_get_viewdef(${oid}::oid)`);
  return toFacts(row ?? []);
}

function toFacts(row: TextRow): ViewFacts {
  const [relations, readsSystem, time, volatile, settings, fractions, query] = row;
  return {
    relations: (relations ?? '').split(',').filter(Boolean).map(Number),
    readsSystem: readsSystem === 't',
    timeFunctions: (time ?? '').trim(),
    volatileFunctions: volatile ?? '',
    dependsOnSettings: settings === 't',
    sumsFractions: fractions === 't',
    query: (query ?? '').trim().replace(/;$/, ''),
  };
}

/**
 * The columns of a relation whose type has equal values that print differently (1.0 and 1.00 as
 * numeric, 0 and −0), so that a kept result could show another one than a fresh query.
 */
export async function ambiguousColumns(store: Store, relation: string): Promise<readonly string[]> {
  const rows = await store.query(`
    SELECT a.attname FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
    LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
    WHERE a.attrelid = '${relation.replaceAll("'", "''")}'::regclass AND a.attnum > 0
      AND NOT a.attisdropped AND (
        NOT coalesce(c.collisdeterministic, true) OR NOT (
          coalesce(e.typname, t.typname) IN ('bool', 'int2', 'int4', 'int8', 'oid', 'text', 'varchar',
            'name', 'char', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'bytea', 'inet', 'macaddr')
          OR coalesce(e.typname, t.typname) = 'numeric' AND a.atttypmod >= 0
          OR coalesce(e.typtype, t.typtype) = 'e'))`);
  return rows.map(([name]) => name ?? '');
}
