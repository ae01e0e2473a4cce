import type { AggregatePlan } from './aggregate.ts';
import type { ItemKind } from './engine.ts';
import type { FirstPlan } from './first.ts';
import type { KeptDefinition } from './kafka/resolve.ts';
import { quoteName } from './lexer.ts';

/** A column of a relation. */
export interface RelationColumn {
  readonly name: string;
  readonly nullable: boolean;
  /** The SQL name, such as `bigint`. */
  readonly type: string;
  readonly typeOid: number;
  /** The type's array has elements written in text between commas, so that it can be unnested. */
  readonly unnestable: boolean;
}

/**
 * How a relation's rows come to be. `view`: computed when read; `aggregate`: kept by the engine's
 * own triggers; `ivm`: kept by pg_ivm; `none`: it has none, as a connection.
 */
export type Method = 'table' | 'view' | 'aggregate' | 'ivm' | 'none';

/** What a view that the engine's triggers keep is made of. */
export type KeptPlan = AggregatePlan | FirstPlan;

/** A relation as the catalogue knows it. */
export interface Relation {
  /** Never reused: a relation dropped and made again has another. */
  readonly id: string;
  readonly name: string;
  /** In which PostgreSQL schema it is found by `name`. */
  readonly schema: string;
  readonly type: ItemKind;
  readonly method: Method;
  /** Why a materialized view is re-evaluated, or null. */
  readonly reason: string | null;
  readonly sql: string;
  /** Ids of the relations its query names. */
  readonly deps: readonly string[];
  /** It changes by itself as time goes on. */
  readonly temporal: boolean;
  readonly aggregate: KeptPlan | null;
  readonly countsSince: Date | null;
  /** Of the table whose triggers tell of its changes: itself, or where its rows are kept. */
  readonly oid: number | null;
  /** It lets go of old rows (RETAIN). */
  readonly keepsNewest: boolean;
  /** What it is to Kafka, or null. */
  readonly definition: KeptDefinition | null;
  readonly columns: readonly RelationColumn[];
}

/** A relation's name with its schema, as SQL writes it. */
export function sqlName({ schema, name }: Pick<Relation, 'schema' | 'name'>): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** The table that keeps the rows of the materialized view `id`, as SQL writes it. */
export function storeTable(id: string): string {
  return `viewcast_store.v_${id}`;
}

/** Relations by id, with the questions that go along dependencies. */
export class Relations {
  readonly #byId: ReadonlyMap<string, Relation>;
  readonly #byName: ReadonlyMap<string, Relation>;

  constructor(relations: readonly Relation[]) {
    this.#byId = new Map(relations.map((relation) => [relation.id, relation]));
    this.#byName = new Map(relations.map((relation) => [relation.name, relation]));
  }

  all(): readonly Relation[] {
    return [...this.#byId.values()];
  }

  get(id: string): Relation | undefined {
    return this.#byId.get(id);
  }

  /** By name, with or without the database and schema that everything is in. */
  named(name: string): Relation | undefined {
    const bare = name.replace(/^(?:materialize\.)?(?:public|mz_catalog)\./, '');
    return this.#byName.get(name) ?? this.#byName.get(bare);
  }

  /** The relations that `ids` name, directly or through others; each after those it names. */
  reachable(ids: readonly string[]): readonly Relation[] {
    const seen = new Set<string>();
    const found: Relation[] = [];
    const visit = (id: string): void => {
      const relation = this.#byId.get(id);
      if (relation === undefined || seen.has(id)) return;
      seen.add(id);
      for (const dep of relation.deps) visit(dep);
      found.push(relation);
    };
    for (const id of ids) visit(id);
    return found;
  }

  /** The tables at the bottom. */
  tables(ids: readonly string[]): readonly Relation[] {
    return this.reachable(ids).filter((relation) => relation.method === 'table');
  }

  /** Whatever depends on `id`, directly or through others, without itself; nearest first. */
  dependents(id: string): readonly Relation[] {
    const found = new Map<string, Relation>();
    for (let front = [id]; front.length > 0; ) {
      const next = this.all().filter(
        (relation) => !found.has(relation.id) && relation.deps.some((dep) => front.includes(dep)),
      );
      for (const relation of next) found.set(relation.id, relation);
      front = next.map((relation) => relation.id);
    }
    return [...found.values()];
  }
}
