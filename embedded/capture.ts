import { maintainSql } from './aggregate-sql.ts';
import { maintainFirst } from './first.ts';
import { quoteName } from './lexer.ts';
import { type Relation, type Relations, sqlName, storeTable } from './relation.ts';
import { keyOfDelta, type RowKey } from './row-key.ts';
import type { Store } from './store.ts';
import { COMMAND_COMPLETE, DATA_ROW } from './store-frames.ts';
import { NEW_ROWS, OLD_ROWS, type Operation } from './transition.ts';

/**
 * Learns what changed. One trigger function per table and operation sees the rows of a statement
 * in transition tables and does everything there is to do with them: keeps the aggregates over the
 * table, counts arrivals for retention, and, while someone subscribes, appends the changed rows to
 * a delta table or just notes that the table was touched. All of it rolls back with the statement.
 */
export class Capture {
  readonly #store: Store;
  readonly #wantRows = new Map<string, number>();
  readonly #wantTouch = new Map<string, number>();
  /** Rows taken from a delta table since it was last cut to nothing. */
  readonly #deltaRows = new Map<string, number>();
  #touchedRows = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The table that collects the changed rows of a relation: `diff`, then `c0`, `c1` … */
  static deltaTable(relation: Relation): string {
    return `viewcast_delta.${quoteName(`d_${relation.id}`)}`;
  }

  /** Starts collecting the changed rows of a relation that is kept somewhere. Counted. */
  async wantRows(relations: Relations, relation: Relation): Promise<void> {
    const count = this.#wantRows.get(relation.id) ?? 0;
    this.#wantRows.set(relation.id, count + 1);
    if (count > 0) return;
    const columns = relation.columns.map((_, index) => `c${index}`).join(', ');
    const names = relation.columns.map(({ name }) => quoteName(name)).join(', ');
    await this.#store.run(
      `CREATE UNLOGGED TABLE ${Capture.deltaTable(relation)} (diff, ${columns}) AS
       SELECT 1, ${names} FROM ${sqlName(relation)} WITH NO DATA`,
    );
    await this.install(relations, sourceTable(relations, relation));
  }

  async unwantRows(relations: Relations, relation: Relation): Promise<void> {
    const count = this.#wantRows.get(relation.id) ?? 0;
    if (count > 1) this.#wantRows.set(relation.id, count - 1);
    else {
      this.#wantRows.delete(relation.id);
      this.#deltaRows.delete(relation.id);
      await this.install(relations, sourceTable(relations, relation));
      await this.#store.run(`DROP TABLE IF EXISTS ${Capture.deltaTable(relation)}`);
    }
  }

  /** Starts noting that a table changed, without its rows. Counted. */
  async wantTouch(relations: Relations, table: Relation): Promise<void> {
    const count = this.#wantTouch.get(table.id) ?? 0;
    this.#wantTouch.set(table.id, count + 1);
    if (count === 0) await this.install(relations, table);
  }

  async unwantTouch(relations: Relations, table: Relation): Promise<void> {
    const count = this.#wantTouch.get(table.id) ?? 0;
    if (count > 1) this.#wantTouch.set(table.id, count - 1);
    else {
      this.#wantTouch.delete(table.id);
      await this.install(relations, relations.get(table.id));
    }
  }

  wantsRows(relation: Relation): boolean {
    return this.#wantRows.has(relation.id);
  }

  /** Brings the triggers of a table in line with what is wanted of it and kept over it. */
  async install(relations: Relations, table: Relation | undefined): Promise<void> {
    if (table === undefined || table.oid === null) return;
    for (const operation of ['INSERT', 'UPDATE', 'DELETE'] as const) {
      const body = this.#functionBody(relations, table, operation);
      await this.#store.run(triggerSql(table, table.oid, operation, body));
    }
  }

  #functionBody(relations: Relations, table: Relation, operation: Operation): readonly string[] {
    const statements: string[] = [];
    const rows = operation === 'DELETE' ? OLD_ROWS : NEW_ROWS;
    if (table.keepsNewest && operation !== 'DELETE') {
      statements.push(
        `UPDATE viewcast.viewcast_retention SET arrived = arrived + (SELECT count(*) FROM ${rows}) WHERE relation = '${table.id}';`,
      );
    }
    if (this.#wantTouch.has(table.id)) {
      statements.push(
        `INSERT INTO viewcast_delta.touched SELECT ${table.oid} WHERE EXISTS (SELECT FROM ${rows});`,
      );
    }
    if (this.#wantRows.has(table.id)) statements.push(...deltaInserts(table, operation));
    for (const view of relations.all()) {
      if (view.aggregate?.base !== table.id) continue;
      const delta = this.#wantRows.has(view.id) ? Capture.deltaTable(view) : null;
      const store = storeTable(view.id);
      const base = sqlName(table);
      statements.push(
        'order' in view.aggregate
          ? maintainFirst(view.aggregate, operation, base, store, delta)
          : maintainSql(view.aggregate, operation, store, delta),
      );
    }
    return statements;
  }

  /** Tables touched since the last call, by object id. */
  async takeTouched(): Promise<ReadonlySet<number>> {
    if (this.#wantTouch.size === 0) return new Set();
    const rows = await this.#store.query('DELETE FROM viewcast_delta.touched RETURNING source');
    this.#touchedRows += rows.length;
    if (this.#touchedRows > MAX_DEAD_ROWS) {
      this.#touchedRows = 0;
      await this.#store.run('TRUNCATE viewcast_delta.touched');
    }
    return new Set(rows.map(([oid]) => Number(oid)));
  }

  /** Empties a relation's delta table and calls `each` for every row that was in it. */
  async takeRows(relation: Relation, each: (key: RowKey, diff: number) => void): Promise<void> {
    let rows = 0;
    await this.#store.run(`DELETE FROM ${Capture.deltaTable(relation)} RETURNING *`, (frame) => {
      if (frame.type !== DATA_ROW) return;
      rows++;
      const { key, diff } = keyOfDelta(frame.body);
      each(key, diff);
    });
    await this.#cut(relation, rows);
  }

  /** Empties a relation's delta table unread. */
  async dropRows(relation: Relation): Promise<void> {
    let rows = 0;
    await this.#store.run(`DELETE FROM ${Capture.deltaTable(relation)}`, (frame) => {
      if (frame.type === COMMAND_COMPLETE)
        rows = Number(/\d+/.exec(frame.body.toString('latin1'))?.[0]);
    });
    await this.#cut(relation, rows);
  }

  /** Deleting is several times cheaper than TRUNCATE, but leaves dead rows: now and then it cuts. */
  async #cut(relation: Relation, rows: number): Promise<void> {
    const total = (this.#deltaRows.get(relation.id) ?? 0) + rows;
    this.#deltaRows.set(relation.id, total > MAX_DEAD_ROWS ? 0 : total);
    if (total > MAX_DEAD_ROWS) await this.#store.run(`TRUNCATE ${Capture.deltaTable(relation)}`);
  }
}

const MAX_DEAD_ROWS = 10_000;

/** The relation whose triggers tell of the changes of `relation`. */
export function sourceTable(relations: Relations, relation: Relation): Relation | undefined {
  return relations.get(relation.aggregate?.base ?? relation.id);
}

function deltaInserts(table: Relation, operation: Operation): string[] {
  const delta = Capture.deltaTable(table);
  const columns = table.columns
    .map(({ name }, index) => (table.method === 'ivm' ? `c${index}` : quoteName(name)))
    .join(', ');
  const list = columns === '' ? '' : `, ${columns}`;
  const gone = `INSERT INTO ${delta} SELECT -1${list} FROM ${OLD_ROWS};`;
  const come = `INSERT INTO ${delta} SELECT 1${list} FROM ${NEW_ROWS};`;
  if (operation === 'INSERT') return [come];
  return operation === 'DELETE' ? [gone] : [gone, come];
}

function triggerSql(
  table: Relation,
  oid: number,
  operation: Operation,
  body: readonly string[],
): string {
  const target = table.method === 'table' ? sqlName(table) : storeTable(table.id);
  const trigger = `viewcast_${operation.toLowerCase()}`;
  const name = `viewcast_store.on_${oid}_${operation.toLowerCase()}`;
  if (body.length === 0) return `DROP TRIGGER IF EXISTS ${trigger} ON ${target}`;
  const transitions = [
    ...(operation === 'INSERT' ? [] : [`OLD TABLE AS ${OLD_ROWS}`]),
    ...(operation === 'DELETE' ? [] : [`NEW TABLE AS ${NEW_ROWS}`]),
  ];
  return `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, mz_catalog, viewcast SET timezone = 'UTC'
    SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1
    AS $viewcast$
#variable_conflict use_column
BEGIN
${body.join('\n')}
RETURN NULL;
END $viewcast$;
CREATE OR REPLACE TRIGGER ${trigger} AFTER ${operation} ON ${target}
  REFERENCING ${transitions.join(' ')} FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`;
}
