-- What is read from Kafka, by Materialize and by the embedded engine alike. npm run sql:apply puts
-- the addresses in: ${VIEWCAST_KAFKA} (host:port, by commas) and ${VIEWCAST_REGISTRY} (a URL). The
-- schemas are read when a table is created, so they are registered before. What a comment says to
-- the engine, the engine alone obeys.

-- Brokers that ask who comes: CREATE SECRET kafka_password AS '…', and here SECURITY PROTOCOL SASL_SSL,
-- SASL MECHANISMS 'SCRAM-SHA-512', SASL USERNAME '…', SASL PASSWORD SECRET kafka_password.
CREATE CONNECTION kafka_connection TO KAFKA
  (BROKERS (${VIEWCAST_KAFKA}), SECURITY PROTOCOL PLAINTEXT);

CREATE CONNECTION registry_connection TO CONFLUENT SCHEMA REGISTRY
  (URL ${VIEWCAST_REGISTRY});

-- One row per change on a wiki (Wikimedia's mediawiki/recentchange, flat; canaries left out), as in
-- embedded.sql. Key: meta_id. Size: what the topic keeps; on the engine the newest 250,000 rows or
-- 70 minutes, whichever is more.
CREATE SOURCE recentchange_source FROM KAFKA CONNECTION kafka_connection (TOPIC 'recentchange');

CREATE TABLE recentchange_events FROM SOURCE recentchange_source (REFERENCE "recentchange")
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY CONNECTION registry_connection
  INCLUDE TIMESTAMP AS appended
  /* engine: WITH (RETAIN ROWS 250000, RETAIN FOR '70 minutes') */
  ENVELOPE NONE;

CREATE VIEW recentchange AS
SELECT
  meta_id, meta_uri, meta_dt AT TIME ZONE 'UTC' AS meta_dt, meta_domain, r_schema, id, type, title,
  namespace, comment, "timestamp", "user", bot, minor, patrolled, length_old, length_new,
  revision_old, revision_new, server_url, server_name, server_script_path, wiki, log_id, log_type,
  log_action, log_action_comment, log_params,
  -- When it was appended to the topic, in ms since 1970.
  (date_part('epoch', appended) * 1000)::bigint AS arrived
FROM recentchange_events;

-- Messages that people send. Key: offset; a sender's key may come twice. Size: all messages.
CREATE SOURCE example_source FROM KAFKA CONNECTION kafka_connection (TOPIC 'example');

CREATE TABLE example FROM SOURCE example_source (REFERENCE "example")
  FORMAT AVRO USING CONFLUENT SCHEMA REGISTRY CONNECTION registry_connection
  INCLUDE KEY, OFFSET, TIMESTAMP AS created_date
  ENVELOPE NONE;

-- What feeds the topic recentchange: stream-ingest tells it under the key state, beside the position
-- it writes with each transaction. Key: key. Size: about a hundred rows.
CREATE SOURCE position_source FROM KAFKA CONNECTION kafka_connection
  (TOPIC 'recentchange-position');

CREATE TABLE positions FROM SOURCE position_source (REFERENCE "recentchange-position")
  KEY FORMAT TEXT VALUE FORMAT TEXT
  ENVELOPE UPSERT;

-- The same for viewers: the page's badge. Key: none, size: one row.
CREATE MATERIALIZED VIEW input AS
SELECT
  text::jsonb ->> 'kind' AS kind,   -- live, recorded or generated
  text::jsonb ->> 'label' AS label, -- for people, such as the day of the recording; may be empty
  text::jsonb ->> 'state' AS state, -- connected, reconnecting or ended
  (text::jsonb ->> 'since')::timestamptz AS since
FROM positions WHERE key = 'state';
