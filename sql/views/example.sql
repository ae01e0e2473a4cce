-- Messages that people send, each once. Views of any other topic look the same: the first of these
-- is where its schema says it is archived (avro_schemas/example-value.avsc, archivedIn).

-- Each message under its id, the first one of an id counts: a message may come twice, by a sender
-- who was not sure. Its way grows by the archive. Key: key. Size: all messages.
CREATE MATERIALIZED VIEW example_by_key AS
SELECT DISTINCT ON (key)
  key,
  "offset" AS id,
  data_id,
  coalesce(data_provenance, '{}')
    || ('archive.example/' || created_date::text || '/' || "offset"::text) AS data_provenance,
  "timestamp",
  value,
  created_date
FROM example
ORDER BY key, "offset";

-- What is archived. id: the message's offset, in a topic of one partition. created_date: when Kafka,
-- or the engine, appended it. Key: id. Size: all messages.
CREATE MATERIALIZED VIEW archive AS
SELECT id, data_id, data_provenance, "timestamp", value, created_date FROM example_by_key;

-- The newest 20 of the archive, which the pages show. Key: id. Size: 20 rows.
CREATE MATERIALIZED VIEW archive_newest AS
SELECT id, data_id, data_provenance, "timestamp", value, created_date
FROM archive ORDER BY id DESC LIMIT 20;
