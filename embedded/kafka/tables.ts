import { EngineError } from '../engine.ts';
import { quoteName, quoteText } from '../lexer.ts';
import { type Relation, sqlName } from '../relation.ts';
import type { Store } from '../store.ts';
import { COPY_END, copyData, query } from '../wire/request.ts';
import type { RowsToCommit } from './committer.ts';
import { plainText } from './copy-text.ts';
import type { DecodedRow } from './decoder.ts';
import type { TableLayout } from './table-layout.ts';

/** Makes the table of a layout. Inside a transaction of the caller's. */
export async function createTable(store: Store, name: string, layout: TableLayout): Promise<void> {
  const table = `public.${quoteName(name)}`;
  const columns = layout.columns.map(
    (column) => `${quoteName(column.name)} ${column.type}${column.nullable ? '' : ' NOT NULL'}`,
  );
  await store.run(`CREATE TABLE ${table} (${columns.join(', ')})`);
  if (layout.keyColumns.length > 0) {
    const keys = layout.keyColumns.map(quoteName).join(', ');
    await store.run(`CREATE INDEX ON ${table} (${keys})`);
  }
  await store.run(
    `CREATE TRIGGER viewcast_guard BEFORE INSERT OR UPDATE OR DELETE ON ${table}
     FOR EACH STATEMENT EXECUTE FUNCTION viewcast.viewcast_guard()`,
  );
}

/** Where a table stands, by partition. In a turn. */
export async function readOffsets(
  store: Store,
  relation: string,
): Promise<ReadonlyMap<number, bigint>> {
  const rows = await store.query(
    `SELECT partition, next FROM viewcast.viewcast_offset WHERE relation = ${quoteText(relation)}`,
  );
  return new Map(rows.map(([partition, next]) => [Number(partition), BigInt(next ?? 0)]));
}

/** Writes rows and the offsets they reach in one transaction. In a turn. */
export async function commitRows(
  store: Store,
  table: Relation,
  layout: TableLayout,
  parts: readonly RowsToCommit[],
): Promise<void> {
  const offsets = new Map(parts.map(({ partition, next }) => [partition, next]));
  const values = [...offsets].map(
    ([partition, next]) => `(${quoteText(table.id)}, ${partition}, ${next})`,
  );
  const rows = parts.flatMap((part) => part.rows);
  await store.transaction(async () => {
    await store.run("SELECT set_config('viewcast.ingesting', 'on', true)");
    const isUpsert = layout.keyColumns.length > 0;
    await copyRows(store, table, isUpsert ? await removeOlder(store, table, layout, rows) : rows);
    await store.run(
      `INSERT INTO viewcast.viewcast_offset (relation, partition, next) VALUES ${values.join(', ')}
       ON CONFLICT (relation, partition) DO UPDATE SET next = excluded.next`,
    );
  });
}

async function copyRows(store: Store, table: Relation, rows: readonly DecodedRow[]): Promise<void> {
  const lines = rows.flatMap(({ line }) => (line === null ? [] : `${line}\n`));
  if (lines.length > 0) await copyInto(store, sqlName(table), lines.join(''));
}

/** Statement and data go together: PGlite cannot wait for data that is still to come. */
async function copyInto(store: Store, target: string, text: string): Promise<void> {
  const statement = query(`COPY ${target} FROM STDIN`);
  await store.runFrames(Buffer.concat([statement, copyData(Buffer.from(text)), COPY_END]));
}

/**
 * ENVELOPE UPSERT: of several messages of one key the last counts, and it takes the place of the
 * row that the table has for that key. Returns the rows that are left to be written.
 */
async function removeOlder(
  store: Store,
  table: Relation,
  layout: TableLayout,
  rows: readonly DecodedRow[],
): Promise<readonly DecodedRow[]> {
  if (rows.length === 0) return rows;
  const last = new Map(rows.map((row) => [row.key.join('\t'), row]));
  const columns = layout.columns.filter(({ name }) => layout.keyColumns.includes(name));
  const arrays = columns.map(({ type }, index) => {
    const items = [...last.values()].map(({ key }) => literal(key[index] ?? ''));
    return `ARRAY[${items.join(', ')}]::${type}[]`;
  });
  const names = columns.map(({ name }) => quoteName(name));
  const same = names.map((key) => `(t.${key} = k.${key} OR t.${key} IS NULL AND k.${key} IS NULL)`);
  await store.run(
    `DELETE FROM ${sqlName(table)} AS t USING unnest(${arrays.join(', ')}) AS k (${names.join(', ')})
     WHERE ${same.join(' AND ')}`,
  );
  return [...last.values()];
}

function literal(copied: string): string {
  const text = plainText(copied);
  return text === null ? 'NULL' : quoteText(text);
}

/** @throws {EngineError} 0A000: a key that is gone would count as new when it comes again. */
export function refuseRetention(name: string): never {
  throw new EngineError(
    '0A000',
    `RETAIN is not for ENVELOPE UPSERT: ${name} keeps one row for each key, and lets none go`,
  );
}
