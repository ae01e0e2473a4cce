/**
 * $1: the rows as one JSON text, which is as quick as arrays and follows the table's columns; $2:
 * when they arrived, in ms since 1970.
 */
export const insertChanges =
  'INSERT INTO recentchange SELECT * FROM json_populate_recordset(' +
  "json_populate_record(NULL::recentchange, json_build_object('arrived', $2::bigint)), $1::json) " +
  'ON CONFLICT (meta_id) DO NOTHING';
/** $1 input, $2 position. */
export const upsertPosition =
  'INSERT INTO input_position (input, position) VALUES ($1, $2) ' +
  'ON CONFLICT (input) DO UPDATE SET position = excluded.position';
/** $1 input. */
export const selectPosition = 'SELECT position FROM input_position WHERE input = $1';
/** $1 kind, $2 label, $3 state, $4 since. */
export const upsertState =
  'INSERT INTO input_state (one_row, kind, label, state, since) VALUES (true, $1, $2, $3, $4) ' +
  'ON CONFLICT (one_row) DO UPDATE SET kind = excluded.kind, label = excluded.label, ' +
  'state = excluded.state, since = excluded.since';
/** Newest first. */
export const newestIds =
  'SELECT meta_id FROM recentchange ORDER BY meta_dt DESC NULLS LAST LIMIT 10000';
