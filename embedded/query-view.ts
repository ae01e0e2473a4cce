import { asMaterialize } from './catalog-errors.ts';
import { type Relation, type Relations, sqlName } from './relation.ts';
import type { Store } from './store.ts';
import { namedRelations } from './view-analysis.ts';
import { readViewFacts } from './view-facts.ts';

const SCHEMA = 'viewcast_delta';

/**
 * Makes a subscribed query a view that lives as long as its feed, and is in no catalogue.
 *
 * @throws {EngineError} what PostgreSQL has to say about the query.
 */
export async function makeQueryView(
  store: Store,
  relations: Relations,
  id: string,
  query: string,
): Promise<Relation> {
  const view = sqlName({ schema: SCHEMA, name: id });
  await store.run(`CREATE VIEW ${view} AS ${query}\n`).catch((error: unknown) => {
    throw asMaterialize(error);
  });
  const [row] = await store.query(`SELECT '${view}'::regclass::oid`);
  const oid = Number(row?.[0]);
  const facts = await readViewFacts(store, oid);
  const deps = await namedRelations(store, relations, facts.relations);
  return {
    id,
    name: id,
    schema: SCHEMA,
    type: 'view',
    method: 'view',
    reason: null,
    sql: query,
    deps: deps.map((dep) => dep.id),
    temporal: facts.timeFunctions !== '' || facts.readsSystem || deps.some((dep) => dep.temporal),
    aggregate: null,
    countsSince: null,
    oid,
    keepsNewest: false,
    columns: [],
    definition: null,
  };
}

/** Drops such a view with its feed; every other relation stays. */
export async function dropQueryView(store: Store, relation: Relation): Promise<void> {
  if (relation.schema === SCHEMA) await store.run(`DROP VIEW IF EXISTS ${sqlName(relation)}`);
}
