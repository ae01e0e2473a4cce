import type { ItemKind } from './engine.ts';
import type { KeptDefinition } from './kafka/resolve.ts';
import { quoteName, quoteText } from './lexer.ts';
import { type KeptPlan, type Method, type Relation, storeTable } from './relation.ts';
import type { Store } from './store.ts';

/** What is written of a relation. What is left out is none, as of a table made in plain SQL. */
export interface NewRelation {
  readonly id: string;
  readonly name: string;
  readonly type: ItemKind;
  readonly method: Method;
  readonly sql: string;
  readonly deps?: readonly string[];
  readonly reason?: string | null;
  readonly temporal?: boolean;
  readonly aggregate?: KeptPlan | null;
  /** Ids of the tables it counts rows of: it counts only what they had not let go of by now. */
  readonly counted?: readonly string[];
  readonly definition?: KeptDefinition;
}

/** An id that no relation ever had. */
export async function nextId(store: Store): Promise<string> {
  const [row] = await store.query("SELECT 'u' || nextval('viewcast.viewcast_relation_id')");
  return row?.[0] ?? '';
}

/** Writes a relation down; what it names in PostgreSQL is made by others. */
export async function insertRelation(store: Store, relation: NewRelation): Promise<void> {
  const { id, name, type, method, reason, sql, deps, temporal, aggregate, counted } = relation;
  await store.run(
    `INSERT INTO viewcast.viewcast_relation
       (id, name, type, method, reason, sql, deps, temporal, aggregate, counts_since, definition)
     VALUES (${quoteText(id)}, ${quoteText(name)}, '${type}', '${method}', ${textOrNull(reason)},
       ${quoteText(sql)}, ${textArray(deps)}, ${temporal ?? false}, ${jsonOrNull(aggregate)},
       (SELECT max(dropped_until) FROM viewcast.viewcast_retention
        WHERE relation = ANY (${textArray(counted)})),
       ${jsonOrNull(relation.definition)})`,
  );
}

/** Drops a relation and all that was remembered of it; its dependents go before. */
export async function removeRelation(store: Store, relation: Relation): Promise<void> {
  if (relation.method !== 'none') {
    const kind = relation.method === 'table' ? 'TABLE' : 'VIEW';
    await store.run(`DROP ${kind} IF EXISTS public.${quoteName(relation.name)} CASCADE`);
  }
  if (relation.method === 'aggregate' || relation.method === 'ivm') {
    await store.run(`DROP TABLE IF EXISTS ${storeTable(relation.id)}`);
  }
  const id = quoteText(relation.id);
  await store.run(
    `DELETE FROM viewcast.viewcast_relation WHERE id = ${id};
     DELETE FROM viewcast.viewcast_retention WHERE relation = ${id};
     DELETE FROM viewcast.viewcast_window WHERE relation = ${id};
     DELETE FROM viewcast.viewcast_arrival WHERE relation = ${id};
     DELETE FROM viewcast.viewcast_offset WHERE relation = ${id}`,
  );
}

const textOrNull = (text: string | null | undefined): string =>
  text === null || text === undefined ? 'NULL' : quoteText(text);

const jsonOrNull = (value: object | null | undefined): string =>
  value === null || value === undefined ? 'NULL' : quoteText(JSON.stringify(value));

const textArray = (texts: readonly string[] = []): string =>
  `ARRAY[${texts.map(quoteText).join(', ')}]::text[]`;
