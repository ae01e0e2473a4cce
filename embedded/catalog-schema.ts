import { randomUUID } from 'node:crypto';
import { quoteText } from './lexer.ts';
import type { Line } from './session/line.ts';
import type { Store } from './store.ts';

/**
 * What stands in a store beside the user's relations, which are in `public`:
 *
 * - `viewcast`: what the engine remembers of them;
 * - `viewcast_store`: the kept results of materialized views, and the trigger functions;
 * - `viewcast_delta`: changes of the current tick; it is thrown away when a store is opened;
 * - `mz_catalog`: what Materialize has and PostgreSQL has not.
 */
const TABLES = `
CREATE SCHEMA IF NOT EXISTS viewcast;
CREATE SCHEMA IF NOT EXISTS viewcast_store;
CREATE SCHEMA IF NOT EXISTS mz_catalog;
CREATE EXTENSION IF NOT EXISTS pg_ivm;
CREATE TABLE IF NOT EXISTS viewcast.viewcast_meta (name text PRIMARY KEY, value text NOT NULL);
CREATE SEQUENCE IF NOT EXISTS viewcast.viewcast_relation_id;
CREATE TABLE IF NOT EXISTS viewcast.viewcast_relation (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  type text NOT NULL,
  method text NOT NULL,
  reason text,
  sql text NOT NULL,
  deps text[] NOT NULL DEFAULT '{}',
  temporal boolean NOT NULL DEFAULT false,
  aggregate jsonb,
  counts_since timestamptz
);
CREATE TABLE IF NOT EXISTS viewcast.viewcast_retention (
  relation text PRIMARY KEY,
  keep_rows bigint NOT NULL,
  keep_ms bigint NOT NULL,
  arrived bigint NOT NULL DEFAULT 0,
  dropped bigint NOT NULL DEFAULT 0,
  dropped_until timestamptz
);
CREATE TABLE IF NOT EXISTS viewcast.viewcast_arrival (
  relation text NOT NULL,
  at timestamptz NOT NULL,
  xid xid NOT NULL,
  arrived bigint NOT NULL
);
ALTER TABLE viewcast.viewcast_relation ADD COLUMN IF NOT EXISTS definition jsonb;
CREATE TABLE IF NOT EXISTS viewcast.viewcast_offset (
  relation text NOT NULL,
  partition integer NOT NULL,
  next bigint NOT NULL,
  PRIMARY KEY (relation, partition)
);
CREATE OR REPLACE FUNCTION viewcast.viewcast_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('viewcast.ingesting', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('cannot write to "%s": it is filled from Kafka', TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END $$;
CREATE TABLE IF NOT EXISTS viewcast.viewcast_window (
  relation text PRIMARY KEY,
  until bigint NOT NULL -- rows that count up to a time below this were let go
);
CREATE OR REPLACE FUNCTION mz_catalog.mz_now() RETURNS numeric LANGUAGE sql STABLE AS
  $$ SELECT coalesce(nullif(current_setting('viewcast.now', true), ''), '0')::numeric $$;
CREATE OR REPLACE FUNCTION mz_catalog.mz_logical_timestamp() RETURNS numeric LANGUAGE sql STABLE AS
  $$ SELECT mz_catalog.mz_now() $$;
CREATE OR REPLACE FUNCTION mz_catalog.mz_environment_id() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT value FROM viewcast.viewcast_meta WHERE name = 'identity' $$;
CREATE OR REPLACE FUNCTION viewcast.viewcast_refuse(message text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = message; END $$;
DROP SCHEMA IF EXISTS viewcast_delta CASCADE;
CREATE SCHEMA viewcast_delta;
CREATE UNLOGGED TABLE viewcast_delta.touched (source oid NOT NULL);
`;

/** Where a client finds its objects; the older line lists a materialized view as one with an index. */
function objectsView(line: Line): string {
  const type =
    line === 'tail' ? `CASE type WHEN 'materialized-view' THEN 'view' ELSE type END` : 'type';
  return `CREATE OR REPLACE VIEW mz_catalog.mz_objects AS
    SELECT id, name, ${type} AS type FROM viewcast.viewcast_relation;
    CREATE OR REPLACE VIEW mz_catalog.mz_indexes AS
    SELECT 'i' || id AS id, name || '_primary_idx' AS name, id AS on_id
    FROM viewcast.viewcast_relation WHERE type = 'materialized-view';`;
}

/** Lays down the engine's own schemas, or brings them up to date, and returns the store's UUID. */
export async function prepareSchemas(store: Store, line: Line): Promise<string> {
  await store.run(TABLES + objectsView(line));
  await store.run(
    `INSERT INTO viewcast.viewcast_meta VALUES ('identity', ${quoteText(randomUUID())}), ('floor', '0')
     ON CONFLICT DO NOTHING`,
  );
  return readMeta(store, 'identity');
}

export async function readMeta(store: Store, name: 'identity' | 'floor'): Promise<string> {
  const [row] = await store.query(
    `SELECT value FROM viewcast.viewcast_meta WHERE name = ${quoteText(name)}`,
  );
  return row?.[0] ?? '0';
}

/** No timestamp at or above the floor was ever given out: time goes on from there after a restart. */
export async function writeFloor(store: Store, floor: number): Promise<void> {
  await store.run(`UPDATE viewcast.viewcast_meta SET value = '${floor}' WHERE name = 'floor'`);
}
