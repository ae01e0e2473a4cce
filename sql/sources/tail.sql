-- What is read from Kafka by a Materialize up to 0.26, whose statement is TAIL; the embedded engine
-- takes it as well. npm run sql:apply puts the addresses in, as in kafka.sql, and writes
-- mz_logical_timestamp() for the mz_now() of the views. The sources are materialized, so that all
-- views share one reading of their topic.

-- One row per change on a wiki, as in kafka.sql. Key: meta_id. Size: what the topic keeps.
CREATE MATERIALIZED SOURCE recentchange_events
  FROM KAFKA BROKER '${VIEWCAST_KAFKA}' TOPIC 'recentchange'
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY '${VIEWCAST_REGISTRY}'
  INCLUDE TIMESTAMP AS appended
  /* engine: WITH (RETAIN ROWS 250000, RETAIN FOR '70 minutes') */
  ENVELOPE NONE;

CREATE VIEW recentchange AS
SELECT
  meta_id, meta_uri, meta_dt AT TIME ZONE 'UTC' AS meta_dt, meta_domain, r_schema, id, type, title,
  namespace, comment, "timestamp", "user", bot, minor, patrolled, length_old, length_new,
  revision_old, revision_new, server_url, server_name, server_script_path, wiki, log_id, log_type,
  log_action, log_action_comment, log_params,
  (date_part('epoch', appended) * 1000)::bigint AS arrived
FROM recentchange_events;

-- Messages that people send. Key: offset. Size: all messages.
CREATE MATERIALIZED SOURCE example
  FROM KAFKA BROKER '${VIEWCAST_KAFKA}' TOPIC 'example'
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY '${VIEWCAST_REGISTRY}'
  INCLUDE KEY, OFFSET, TIMESTAMP AS created_date
  ENVELOPE NONE;

-- What feeds the topic recentchange, as in kafka.sql.
CREATE MATERIALIZED SOURCE positions
  FROM KAFKA BROKER '${VIEWCAST_KAFKA}' TOPIC 'recentchange-position'
  KEY FORMAT TEXT VALUE FORMAT TEXT
  -- Named, as releases of this line differ in what they call a key of plain text.
  INCLUDE KEY AS key
  ENVELOPE UPSERT;

-- The same for viewers: the page's badge. Key: none, size: one row.
CREATE MATERIALIZED VIEW input AS
SELECT
  text::jsonb ->> 'kind' AS kind,   -- live, recorded or generated
  text::jsonb ->> 'label' AS label, -- for people, such as the day of the recording; may be empty
  text::jsonb ->> 'state' AS state, -- connected, reconnecting or ended
  (text::jsonb ->> 'since')::timestamptz AS since
FROM positions WHERE key = 'state';
