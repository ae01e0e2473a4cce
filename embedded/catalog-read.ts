import type { KeptDefinition } from './kafka/resolve.ts';
import { type KeptPlan, type Relation, type RelationColumn, Relations } from './relation.ts';
import type { Store } from './store.ts';
import type { TextRow } from './store-frames.ts';

/** Reads all relations of a store, the engine's own three included. */
export async function readRelations(store: Store): Promise<Relations> {
  const rows = await store.query(READ_RELATIONS);
  return new Relations(rows.map(toRelation));
}

const COLUMNS = `(SELECT coalesce(json_agg(json_build_object(
    'name', a.attname, 'nullable', NOT a.attnotnull, 'type', format_type(a.atttypid, NULL),
    'typeOid', a.atttypid::int8,
    'unnestable', t.typarray <> 0 AND t.typelem = 0 AND t.typtype IN ('b', 'e') AND t.typdelim = ',')
    ORDER BY a.attnum), '[]')
  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

const READ_RELATIONS = `
  SELECT r.id, r.name, 'public', r.type, r.method, r.reason, r.sql, to_json(r.deps), r.temporal,
    r.aggregate, extract(epoch FROM r.counts_since) * 1000, coalesce(s.oid, c.oid),
    EXISTS (SELECT FROM viewcast.viewcast_retention AS k WHERE k.relation = r.id), ${COLUMNS}, r.definition
  FROM viewcast.viewcast_relation AS r
  LEFT JOIN pg_class AS c ON c.relname = r.name AND c.relnamespace = 'public'::regnamespace
    AND r.method <> 'none'
  LEFT JOIN pg_class AS s ON s.relname = 'v_' || r.id AND s.relnamespace = 'viewcast_store'::regnamespace
  UNION ALL
  SELECT 's1', c.relname, 'viewcast', 'table', 'table', NULL, '', '[]'::json, false, NULL, NULL, c.oid, false, ${COLUMNS}, NULL
  FROM pg_class AS c WHERE c.oid = 'viewcast.viewcast_relation'::regclass
  UNION ALL
  SELECT CASE c.relname WHEN 'mz_objects' THEN 's2' ELSE 's3' END, c.relname, 'mz_catalog', 'view', 'view', NULL, '', '["s1"]'::json, false, NULL, NULL, c.oid, false, ${COLUMNS}, NULL
  FROM pg_class AS c WHERE c.oid IN ('mz_catalog.mz_objects'::regclass, 'mz_catalog.mz_indexes'::regclass)`;

/** The row shape is the query's above; kinds and methods are written by this module alone. */
function toRelation(row: TextRow): Relation {
  const text = (index: number): string => row[index] ?? '';
  const countsSince = row[10] ?? null;
  return {
    id: text(0),
    name: text(1),
    schema: text(2),
    type: text(3) as Relation['type'],
    method: text(4) as Relation['method'],
    reason: row[5] ?? null,
    sql: text(6),
    deps: JSON.parse(text(7)) as readonly string[],
    temporal: text(8) === 't',
    aggregate: row[9] ? (JSON.parse(row[9]) as KeptPlan) : null,
    countsSince: countsSince === null ? null : new Date(Number(countsSince)),
    oid: row[11] ? Number(row[11]) : null,
    keepsNewest: text(12) === 't',
    columns: JSON.parse(text(13)) as readonly RelationColumn[],
    definition: row[14] ? (JSON.parse(row[14]) as KeptDefinition) : null,
  };
}
