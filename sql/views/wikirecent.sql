-- Wikipedia being edited, as in Materialize's wikirecent. To add a view, write one
-- CREATE MATERIALIZED VIEW here or in a file beside this one: it is then live on every interface.
-- A view stands below the views that it uses.

-- Each change as one row. Key: meta_id. Size: all retained changes.
CREATE MATERIALIZED VIEW recentchanges AS
SELECT
  r_schema, bot, comment, id, length_new, length_old, meta_uri, meta_id, minor, namespace,
  revision_new, revision_old, server_name, server_script_path, server_url,
  "timestamp" AS r_ts, title, type, "user", wiki
FROM recentchange;

-- How many changes there were. Every event counts. Key: none, size: one row.
CREATE MATERIALIZED VIEW counter AS
SELECT count(*) AS count FROM recentchange;

-- How many changes each user made; changes without a user are left out. Key: user. Size: users.
CREATE MATERIALIZED VIEW useredits AS
SELECT "user", count(*) AS count FROM recentchange WHERE "user" IS NOT NULL GROUP BY "user";

-- The older name of useredits. Key: user. Size: users.
CREATE VIEW user_edits AS
SELECT "user", count FROM useredits;

-- The ten users with the most changes, ties by name. Key: user. Size: ten rows.
-- No COLLATE, which Materialize does not know: both compare text by bytes.
CREATE MATERIALIZED VIEW top10 AS
SELECT "user", count FROM useredits ORDER BY count DESC, "user" LIMIT 10;
