-- What the embedded engine keeps itself, as there is no Kafka to read it from. stream-ingest writes
-- these tables. The views in sql/views use recentchange alone, so that they hold on Materialize too.

-- One row per change on a wiki (Wikimedia's mediawiki/recentchange, flat; canaries left out).
-- Key: meta_id, over the retained rows. Size: the newest 250,000 rows or 70 minutes, whichever is
-- more, at about half a kilobyte each. The HTML copy of the comment (parsedcomment) is not kept.
CREATE TABLE recentchange (
  meta_id            text NOT NULL UNIQUE,
  meta_uri           text,
  meta_dt            timestamptz, -- when the event was made
  meta_domain        text,
  r_schema           text,        -- the event's "$schema"
  id                 bigint,      -- the wiki's rcid; half of the log events have none
  type               text,        -- edit, new, log, categorize, external, or a number such as 142
  title              text,
  namespace          bigint,
  comment            text,
  "timestamp"        bigint,      -- when the change was made, in seconds since 1970
  "user"             text,        -- NULL where a page was redacted
  bot                boolean,
  minor              boolean,
  patrolled          boolean,
  length_old         bigint,      -- bytes
  length_new         bigint,
  revision_old       bigint,
  revision_new       bigint,
  server_url         text,
  server_name        text,
  server_script_path text,
  wiki               text,
  log_id             bigint,
  log_type           text,
  log_action         text,
  log_action_comment text,
  log_params         text,        -- JSON: an object, an array or a string
  -- When it came in here, in ms since 1970 (in Kafka: when it was appended). What "the last five
  -- minutes" means, also while a recording of another year is shown.
  arrived            bigint DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
) WITH (RETAIN ROWS 250000, RETAIN FOR '70 minutes');

-- How far the input has been read; written in the same transaction as the changes it covers.
-- Key: input. Size: one row.
CREATE TABLE input_position (
  input    text PRIMARY KEY, -- live, recorded or generated
  position text NOT NULL     -- what that input needs to go on after it
);

-- What feeds this store. Key: one_row. Size: one row.
CREATE TABLE input_state (
  one_row boolean PRIMARY KEY,
  kind    text NOT NULL,       -- live, recorded or generated
  label   text NOT NULL,       -- for people, such as the day of the recording; may be empty
  state   text NOT NULL,       -- connected, reconnecting or ended
  since   timestamptz NOT NULL -- when this state began
);

-- The same for viewers: the page's badge. Key: none, size: one row.
CREATE MATERIALIZED VIEW input AS
SELECT kind, label, state, since FROM input_state;
