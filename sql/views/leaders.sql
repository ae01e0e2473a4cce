-- Who makes the changes: what the page shows beside the counter. A user counts once for each kind
-- of change; ties go by name.

-- Each change that has a user, and its kind: of a bot, of somebody without an account (an address,
-- or a temporary name such as ~2026-1234-56), or of a person. Key: none. Size: retained changes.
CREATE VIEW edits AS
SELECT
  wiki, "user", arrived, meta_id, type, title, namespace, server_url, length_old, length_new,
  revision_old, revision_new,
  CASE
    WHEN bot THEN 'bot'
    WHEN "user" ~ '^([0-9]{1,3}[.]){3}[0-9]{1,3}$' THEN 'anonymous'
    WHEN "user" ~ '^[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}$' THEN 'anonymous'
    WHEN "user" ~ '^~[0-9]{4}-[0-9]' THEN 'anonymous'
    ELSE 'person'
  END AS kind
FROM recentchange
WHERE "user" IS NOT NULL;

-- How many changes each user made. Key: user, kind. Size: users.
CREATE MATERIALIZED VIEW editors AS
SELECT "user", kind, count(*) AS count FROM edits GROUP BY "user", kind;

-- The twenty with the most changes. Key: user, kind. Size: twenty rows.
CREATE MATERIALIZED VIEW top20 AS
SELECT "user", kind, count FROM editors ORDER BY count DESC, "user", kind LIMIT 20;

-- How many changes each wiki had. Key: wiki. Size: wikis, about a thousand.
CREATE MATERIALIZED VIEW wikiedits AS
SELECT wiki, count(*) AS count FROM edits GROUP BY wiki;

-- The forty wikis with the most changes. Key: wiki. Size: forty rows.
CREATE MATERIALIZED VIEW topwikis AS
SELECT wiki, count FROM wikiedits ORDER BY count DESC, wiki LIMIT 40;

-- The newest changes. Key: meta_id. Size: fifty rows.
CREATE MATERIALIZED VIEW latest AS
SELECT
  arrived, meta_id, wiki, kind, "user", type, title, namespace, server_url, length_old, length_new,
  revision_old, revision_new
FROM edits WHERE arrived IS NOT NULL
ORDER BY arrived DESC, meta_id LIMIT 50;

-- How many changes came in during each of the last sixty seconds; a second without one has no row.
-- Key: second, since 1970. Size: sixty rows.
CREATE MATERIALIZED VIEW persecond AS
SELECT arrived / 1000 AS second, count(*) AS count FROM recentchange
WHERE mz_now() <= arrived + 60000 GROUP BY arrived / 1000;
