/** The relations of the workload: what the engine keeps and what the oracle is asked. */

/** A view, and how the oracle says its rows. */
export interface ViewDefinition {
  readonly name: string;
  /** The query, the same in the engine and in the oracle. */
  readonly query: string;
  /** The tables that it reads: when none of them changes, neither does the view. */
  readonly tables: readonly string[];
  /** SQL that gives each column as JSON says it (PROTOCOL.md, "Values"), in column order. */
  readonly columns: readonly string[];
}

/** The table that each transaction writes its number into. */
export const TXN = 'txn';

/** Rows of the large table at its first load. */
export const WIDE_ROWS = 100_000;

export const TABLES: readonly string[] = [
  `CREATE TABLE ${TXN} (n bigint)`,
  'CREATE TABLE edits (id bigint, editor text, bot boolean, delta int, note jsonb)',
  'CREATE TABLE items (id bigint, kind text, price numeric, big bigint)',
  'CREATE TABLE labels (kind text, label text)',
  'CREATE TABLE wide (id bigint, label text)',
];

/** A bigint that a double does not hold travels as text. */
const safe = (column: string) =>
  `CASE WHEN abs(${column}) > 9007199254740991 THEN to_json(${column}::text) ELSE to_json(${column}) END`;

/** In the order of their creation. */
export const VIEWS: readonly ViewDefinition[] = [
  {
    name: 'counter',
    query: 'SELECT count(*) AS count FROM edits',
    tables: ['edits'],
    columns: ['count'],
  },
  {
    name: 'useredits',
    query: 'SELECT editor, count(*) AS count FROM edits WHERE editor IS NOT NULL GROUP BY editor',
    tables: ['edits'],
    columns: ['editor', 'count'],
  },
  {
    name: 'top10',
    query: 'SELECT editor, count FROM useredits ORDER BY count DESC, editor LIMIT 10',
    tables: ['edits'],
    columns: ['editor', 'count'],
  },
  {
    name: 'labelled',
    query:
      'SELECT items.id, items.kind, labels.label FROM items JOIN labels ON items.kind = labels.kind',
    tables: ['items', 'labels'],
    columns: ['id', 'kind', 'label'],
  },
  {
    name: 'by_label',
    query: `SELECT labels.label, count(*) AS count, sum(items.price) AS price
      FROM items JOIN labels ON items.kind = labels.kind GROUP BY labels.label`,
    tables: ['items', 'labels'],
    columns: ['label', 'count', 'price'],
  },
  {
    name: 'unlabelled',
    query: `SELECT items.kind, count(*) AS count FROM items
      LEFT JOIN labels ON items.kind = labels.kind WHERE labels.kind IS NULL GROUP BY items.kind`,
    tables: ['items', 'labels'],
    columns: ['kind', 'count'],
  },
  {
    name: 'prices',
    query: 'SELECT kind, price, big FROM items',
    tables: ['items'],
    columns: ['kind', 'price', safe('big')],
  },
  {
    name: 'kinds',
    query: 'SELECT DISTINCT kind FROM items',
    tables: ['items'],
    columns: ['kind'],
  },
  {
    name: 'nobody',
    query: 'SELECT id, editor FROM edits WHERE id < 0',
    tables: ['edits'],
    columns: ['id', 'editor'],
  },
  {
    name: 'rare',
    query: 'SELECT id, editor, bot, delta, note FROM edits WHERE delta > 95',
    tables: ['edits'],
    columns: ['id', 'editor', 'bot', 'delta', 'note'],
  },
  {
    name: 'tally',
    query: `SELECT count(*) AS count, sum(n) AS sum FROM ${TXN}`,
    tables: [TXN],
    columns: ['count', 'sum'],
  },
  {
    name: 'wide_rows',
    query: 'SELECT id, label FROM wide',
    tables: ['wide'],
    columns: ['id', 'label'],
  },
];

/** @throws {RangeError} when there is no such view. */
export function viewNamed(name: string): ViewDefinition {
  const view = VIEWS.find((each) => each.name === name);
  if (view === undefined) throw new RangeError(`expected a view of the workload, got ${name}`);
  return view;
}
