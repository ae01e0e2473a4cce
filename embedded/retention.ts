import { Capture } from './capture.ts';
import { EngineError } from './engine.ts';
import { isWord, quoteName, quoteText, type Token, tokenize } from './lexer.ts';
import { type Relation, type Relations, sqlName } from './relation.ts';
import type { Store } from './store.ts';

/**
 * A feed that runs for months must not keep every row. A table made
 * `WITH (RETAIN ROWS 250000, RETAIN FOR '70 minutes')` keeps at least its newest so many changes and
 * at least the changes of so long, and lets go of the rest from time to time. The order of arrival
 * is the order of transactions, which PostgreSQL keeps in every row (xmin): marks remember which
 * transaction was current when, and how many rows had arrived by then. Aggregates keep what they
 * counted; views that show the rows lose them.
 */

/** What a table keeps; the larger of the two wins. */
export interface Retention {
  readonly rows: number;
  /** In SQL's words, or null. */
  readonly interval: string | null;
}

/**
 * Takes the RETAIN options out of a CREATE TABLE statement, as PostgreSQL does not know them.
 * `retention` is null when there are none, and then `sql` is unchanged.
 *
 * @throws {EngineError} 42601 for options that are not of that form.
 */
export function takeRetention(sql: string): {
  readonly sql: string;
  readonly table: string;
  readonly retention: Retention | null;
} {
  const unchanged = { sql, table: '', retention: null };
  if (!/^\s*create\b/i.test(sql) || !/\bretain\b/i.test(sql)) return unchanged;
  const tokens = tokenize(sql);
  const table = tableName(tokens);
  const open = findOptions(tokens);
  if (table === null || open === -1) return unchanged;
  const close = tokens.findIndex((token, index) => index > open && token.value === ')');
  const options = splitOptions(tokens.slice(open + 1, close === -1 ? undefined : close));
  const kept = options.filter(([first]) => !isWord(first, 'retain'));
  if (kept.length === options.length) return unchanged;
  const retention = options.reduce(addOption, NOTHING);
  const [start, end] = [tokens[open - 1]?.start ?? 0, tokens[close]?.end ?? sql.length];
  const others = kept.map((option) => sql.slice(option[0]?.start, option.at(-1)?.end)).join(', ');
  const clause = others === '' ? '' : `WITH (${others})`;
  return { sql: `${sql.slice(0, start)}${clause}${sql.slice(end)}`, table, retention };
}

/**
 * The retention that the statement of a table or source asks for, which is read from a topic. SQL
 * that Materialize takes as well says it in a comment: `/* engine: WITH (RETAIN ROWS 1000) *\/`.
 *
 * @throws {EngineError} 42601 for options that are not of that form.
 */
export function readRetention(sql: string): Retention | null {
  const [, comment = ''] = /\/\*\s*engine:(.*?)\*\//s.exec(sql) ?? [];
  const tokens = tokenize(`${sql} ${comment}`);
  const open = findOptions(tokens, 'retain');
  if (open === -1) return null;
  const close = tokens.findIndex((token, index) => index > open && token.value === ')');
  const options = splitOptions(tokens.slice(open + 1, close === -1 ? undefined : close));
  const isAsked = options.some(
    ([first, second]) => isWord(first, 'retain') && !isWord(second, 'history'),
  );
  return isAsked
    ? options.filter(([, second]) => !isWord(second, 'history')).reduce(addOption, NOTHING)
    : null;
}

const NOTHING: Retention = { rows: 0, interval: null };

function tableName(tokens: readonly Token[]): string | null {
  const at = tokens.findIndex((token) => isWord(token, 'table'));
  if (at === -1 || at > 3) return null;
  let name = at + 1;
  if (isWord(tokens[name], 'if')) name += 3;
  if (tokens[name + 1]?.value === '.') name += 2;
  return tokens[name]?.value ?? null;
}

/** The index of the parenthesis after a WITH (whose options begin with `first`), or −1. */
function findOptions(tokens: readonly Token[], first?: string): number {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'symbol') continue;
    const isWith = token.value === '(' && depth === 0 && isWord(tokens[index - 1], 'with');
    if (isWith && (first === undefined || isWord(tokens[index + 1], first))) return index;
    if (token.value === '(') depth++;
    if (token.value === ')') depth--;
  }
  return -1;
}

function splitOptions(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const options: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.value === ',') options.push([]);
    else options.at(-1)?.push(token);
  }
  return options;
}

function addOption(retention: Retention, option: readonly Token[]): Retention {
  const [retain, word, value, ...rest] = option.filter((token) => token.value !== '=');
  if (!isWord(retain, 'retain')) return retention;
  if (isWord(word, 'rows') && value?.kind === 'number' && rest.length === 0) {
    return { ...retention, rows: Number(value.value) };
  }
  if (isWord(word, 'for') && value?.kind === 'string' && rest.length === 0) {
    return { ...retention, interval: value.value };
  }
  throw new EngineError(
    '42601',
    'RETAIN takes ROWS and a number, or FOR and an interval in quotes',
    {
      hint: "WITH (RETAIN ROWS 250000, RETAIN FOR '70 minutes')",
    },
  );
}

/** Remembers what a table keeps. */
export async function writeRetention(
  store: Store,
  relation: Relation,
  retention: Retention,
): Promise<void> {
  const interval = quoteText(retention.interval ?? '0');
  await store.run(
    `INSERT INTO viewcast.viewcast_retention (relation, keep_rows, keep_ms, arrived)
     VALUES (${quoteText(relation.id)}, ${retention.rows}, extract(epoch FROM ${interval}::interval) * 1000,
       (SELECT count(*) FROM ${sqlName(relation)}))
     ON CONFLICT (relation) DO UPDATE SET keep_rows = excluded.keep_rows, keep_ms = excluded.keep_ms`,
  );
}

/** Up to which mark a table's rows may go. */
export interface Cut {
  readonly table: Relation;
  readonly xid: string;
  readonly at: string;
  readonly arrived: string;
  readonly pages: number;
}

/** Sets a mark for every table that had arrivals, and returns the cuts worth making. In a turn. */
export async function markArrivals(store: Store, relations: Relations): Promise<readonly Cut[]> {
  await store.run(
    `INSERT INTO viewcast.viewcast_arrival
     SELECT k.relation, now(), pg_current_xact_id()::xid, k.arrived FROM viewcast.viewcast_retention AS k
     WHERE k.arrived > coalesce(
       (SELECT max(a.arrived) FROM viewcast.viewcast_arrival AS a WHERE a.relation = k.relation), -1)`,
  );
  const rows = await store.query(
    `SELECT DISTINCT ON (k.relation) k.relation, a.xid, a.at, a.arrived
     FROM viewcast.viewcast_retention AS k JOIN viewcast.viewcast_arrival AS a USING (relation)
     WHERE k.arrived - a.arrived >= k.keep_rows AND a.at <= now() - k.keep_ms * interval '1 ms'
       AND a.arrived - k.dropped > k.keep_rows / 20
     ORDER BY k.relation, a.arrived DESC`,
  );
  const cuts: Cut[] = [];
  for (const [id, xid, at, arrived] of rows) {
    const table = relations.get(id ?? '');
    if (table === undefined) continue;
    const [size] = await store.query(`SELECT pg_relation_size(${table.oid}) / 8192`);
    cuts.push({
      table,
      xid: xid ?? '',
      at: at ?? '',
      arrived: arrived ?? '',
      pages: Number(size?.[0]),
    });
  }
  return cuts;
}

/** How many 8 KiB pages one turn looks at, so that nobody waits long. */
export const SWEEP_PAGES = 500;

/**
 * Removes the rows of a page range that are older than the cut. Triggers do not fire, which is what
 * leaves aggregates untouched; those who read the rows themselves get their −1. In a turn.
 */
export async function sweep(
  store: Store,
  capture: Capture,
  cut: Cut,
  firstPage: number,
): Promise<void> {
  const { table } = cut;
  const columns = table.columns.map(({ name }) => quoteName(name)).join(', ');
  const gone = `DELETE FROM ${sqlName(table)} WHERE ctid >= '(${firstPage},0)'::tid
    AND ctid < '(${firstPage + SWEEP_PAGES},0)'::tid AND age(xmin) > age('${cut.xid}'::xid)`;
  const sql = capture.wantsRows(table)
    ? `WITH gone AS (${gone} RETURNING ${columns}) INSERT INTO ${Capture.deltaTable(table)} SELECT -1, ${columns} FROM gone`
    : gone;
  await store.transaction(async () => {
    await store.run('SET LOCAL session_replication_role = replica');
    await store.run(sql);
    await store.run(`INSERT INTO viewcast_delta.touched VALUES (${table.oid})`);
  });
}

/** Notes that a cut was made all the way, and makes the room usable again. In a turn. */
export async function finishCut(store: Store, { table, arrived, at }: Cut): Promise<void> {
  const id = quoteText(table.id);
  await store.run(
    `UPDATE viewcast.viewcast_retention SET dropped = ${arrived}, dropped_until = ${quoteText(at)}
     WHERE relation = ${id}`,
  );
  await store.run(
    `DELETE FROM viewcast.viewcast_arrival WHERE relation = ${id} AND arrived < ${arrived}`,
  );
  await store.run(`VACUUM ${sqlName(table)}`);
}
