-- Who makes the changes: what the page shows beside the counter. Where kinds are told apart a user
-- counts once for each kind of change; ties go by name.

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

-- … of all kinds together. Key: user. Size: users.
CREATE MATERIALIZED VIEW everybody AS
SELECT
  "user",
  count(*) AS count,
  count(*) FILTER (WHERE kind = 'bot') AS bots,
  count(*) FILTER (WHERE kind = 'anonymous') AS anonymous
FROM edits GROUP BY "user";

-- The twenty with the most changes, and of which kind most of them were. Key: user. Size: twenty
-- rows.
CREATE MATERIALIZED VIEW top20 AS
SELECT
  "user",
  CASE WHEN 2 * bots > count THEN 'bot' WHEN anonymous > 0 THEN 'anonymous' ELSE 'person' END AS kind,
  count
FROM everybody ORDER BY count DESC, "user" LIMIT 20;

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

-- The same for each wiki. Key: wiki, user, kind. Size: users, once for each of their wikis.
CREATE MATERIALIZED VIEW wikieditors AS
SELECT wiki, "user", kind, count(*) AS count FROM edits GROUP BY wiki, "user", kind;

-- … of what came in during the last hour, five minutes, and one minute. Size: users of that time.
CREATE MATERIALIZED VIEW wikieditors_60m AS
SELECT wiki, "user", kind, count(*) AS count FROM edits
WHERE mz_now() <= arrived + 3600000 GROUP BY wiki, "user", kind;

CREATE MATERIALIZED VIEW wikieditors_5m AS
SELECT wiki, "user", kind, count(*) AS count FROM edits
WHERE mz_now() <= arrived + 300000 GROUP BY wiki, "user", kind;

CREATE MATERIALIZED VIEW wikieditors_1m AS
SELECT wiki, "user", kind, count(*) AS count FROM edits
WHERE mz_now() <= arrived + 60000 GROUP BY wiki, "user", kind;

-- … of the last hour, all wikis together. Key: user, kind. Size: users of that time.
CREATE MATERIALIZED VIEW editors_60m AS
SELECT "user", kind, count(*) AS count FROM edits
WHERE mz_now() <= arrived + 3600000 GROUP BY "user", kind;

-- What leaders ranks: each of the forty wikis, each kind. Key: wiki, kind. Size: 120 rows.
CREATE VIEW contests AS
SELECT w.wiki, k.kind
FROM topwikis AS w, (VALUES ('person'), ('bot'), ('anonymous')) AS k (kind);

-- The twenty with the most changes of each kind on each of the forty wikis, and on all wikis
-- together, whose name is *; since the start, and in the last 60, 5 and 1 minutes. To be asked for
-- one of them by `where`. Key: span, wiki, kind, user. Size: 9,840 rows at most.
CREATE MATERIALIZED VIEW leaders AS
SELECT 'start' AS span, c.wiki, c.kind, t."user", t.count
FROM contests AS c, LATERAL (
  SELECT e."user", e.count FROM wikieditors AS e WHERE e.wiki = c.wiki AND e.kind = c.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '60m' AS span, c.wiki, c.kind, t."user", t.count
FROM contests AS c, LATERAL (
  SELECT e."user", e.count FROM wikieditors_60m AS e WHERE e.wiki = c.wiki AND e.kind = c.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '5m' AS span, c.wiki, c.kind, t."user", t.count
FROM contests AS c, LATERAL (
  SELECT e."user", e.count FROM wikieditors_5m AS e WHERE e.wiki = c.wiki AND e.kind = c.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '1m' AS span, c.wiki, c.kind, t."user", t.count
FROM contests AS c, LATERAL (
  SELECT e."user", e.count FROM wikieditors_1m AS e WHERE e.wiki = c.wiki AND e.kind = c.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT 'start' AS span, '*' AS wiki, k.kind, t."user", t.count
FROM (VALUES ('person'), ('bot'), ('anonymous')) AS k (kind), LATERAL (
  SELECT e."user", e.count FROM editors AS e WHERE e.kind = k.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '60m' AS span, '*' AS wiki, k.kind, t."user", t.count
FROM (VALUES ('person'), ('bot'), ('anonymous')) AS k (kind), LATERAL (
  SELECT e."user", e.count FROM editors_60m AS e WHERE e.kind = k.kind
  ORDER BY e.count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '5m' AS span, '*' AS wiki, k.kind, t."user", t.count
FROM (VALUES ('person'), ('bot'), ('anonymous')) AS k (kind), LATERAL (
  SELECT e."user", sum(e.count)::bigint AS count FROM wikieditors_5m AS e WHERE e.kind = k.kind
  GROUP BY e."user" ORDER BY count DESC, e."user" LIMIT 20
) AS t
UNION ALL
SELECT '1m' AS span, '*' AS wiki, k.kind, t."user", t.count
FROM (VALUES ('person'), ('bot'), ('anonymous')) AS k (kind), LATERAL (
  SELECT e."user", sum(e.count)::bigint AS count FROM wikieditors_1m AS e WHERE e.kind = k.kind
  GROUP BY e."user" ORDER BY count DESC, e."user" LIMIT 20
) AS t;
