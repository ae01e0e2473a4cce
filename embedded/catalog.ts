import type { Capture } from './capture.ts';
import { type DropRequest, isOfKind, whatGoes } from './catalog-drop.ts';
import {
  alreadyExists,
  asMaterialize,
  stillNeeded,
  unknownItem,
  wrongKind,
} from './catalog-errors.ts';
import { readRelations } from './catalog-read.ts';
import { insertRelation, nextId, removeRelation } from './catalog-write.ts';
import type { Catalog, CreateViewRequest, ItemKind, RelationInfo } from './engine.ts';
import type { KeptDefinition } from './kafka/resolve.ts';
import { quoteName } from './lexer.ts';
import { type Relation, type RelationColumn, Relations } from './relation.ts';
import { type Retention, writeRetention } from './retention.ts';
import type { Store } from './store.ts';
import { indexTopK } from './top-k.ts';
import { type BuiltView, buildView } from './view-build.ts';

/** What the catalogue needs from the engine around it. */
export interface CatalogHost {
  /** Runs `work` alone on the backend. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** The relations are others now: those with these ids are gone. Called within the turn. */
  changed(gone: readonly Relation[]): Promise<void>;
  /** The time of a tick at this moment. */
  now(): number;
}

/** An item to be kept with its definition, and with a table when it has rows. */
export interface NewItem {
  readonly name: string;
  readonly type: ItemKind;
  readonly sql: string;
  readonly deps: readonly string[];
  readonly definition: KeptDefinition;
  readonly table?: {
    /** Within the transaction that adds the item. */
    readonly create: (store: Store) => Promise<void>;
    readonly retention: Retention | null;
  };
}

/** The relations of a store: kept in it, and in memory for everyone who asks. */
export class StoreCatalog implements Omit<Catalog, 'createKafka' | 'relations'> {
  readonly #store: Store;
  readonly #capture: Capture;
  readonly #host: CatalogHost;
  #relations = new Relations([]);

  constructor(store: Store, capture: Capture, host: CatalogHost) {
    this.#store = store;
    this.#capture = capture;
    this.#host = host;
  }

  /** As of the last change; a new object after each. */
  get current(): Relations {
    return this.#relations;
  }

  async createView(request: CreateViewRequest): Promise<string | null> {
    return this.#host.turn(async () => {
      const existing = this.#relations.named(request.name);
      if (existing !== undefined && request.ifNotExists) {
        return `relation "${request.name}" already exists, skipping`;
      }
      const built = await this.#store
        .transaction(async () => {
          if (existing !== undefined && request.orReplace) await this.#replace(existing);
          return this.#build(request);
        })
        .catch(async (error: unknown) => {
          this.#relations = await this.#read();
          throw error;
        });
      await this.#reload(existing !== undefined ? [existing] : []);
      if (built.method === 'view') {
        await indexTopK(this.#store, `public.${quoteName(request.name)}`);
      }
      return request.materialized && built.reason !== null
        ? `re-evaluated, not incrementally maintained: ${built.reason}`
        : null;
    });
  }

  async #replace(existing: Relation): Promise<void> {
    if (!isOfKind(existing, 'view')) throw wrongKind(existing, 'view');
    const [dependent] = this.#relations.dependents(existing.id);
    if (dependent !== undefined) throw stillNeeded(existing, dependent);
    await removeRelation(this.#store, existing);
    this.#relations = await this.#read();
  }

  async #build(request: CreateViewRequest): Promise<BuiltView> {
    const id = await nextId(this.#store);
    const retained = new Set(
      this.#relations.all().flatMap((each) => (each.keepsNewest ? [each.id] : [])),
    );
    const relations = this.#relations;
    const built = await buildView(
      { store: this.#store, relations, id, retained, now: this.#host.now() },
      request,
    ).catch((error: unknown) => {
      throw asMaterialize(error);
    });
    await insertRelation(this.#store, {
      ...built,
      id,
      name: request.name,
      type: request.materialized ? 'materialized-view' : 'view',
      sql: request.sql,
      counted: relations.tables(built.deps).map((table) => table.id),
    });
    if (built.aggregate !== null) {
      const withView = await this.#read();
      await this.#capture.install(withView, withView.get(built.aggregate.base));
    }
    return built;
  }

  /** @throws {EngineError} 42P07 when the name is taken. */
  async addItem({ name, type, sql, deps, definition, table }: NewItem): Promise<void> {
    await this.#host.turn(async () => {
      if (this.#relations.named(name) !== undefined) throw alreadyExists(name);
      await this.#store.transaction(async () => {
        const id = await nextId(this.#store);
        await table?.create(this.#store);
        const method = table === undefined ? 'none' : 'table';
        await insertRelation(this.#store, { id, name, type, method, sql, deps, definition });
        const made = (await this.#read()).get(id);
        if (made !== undefined && table?.retention) {
          await writeRetention(this.#store, made, table.retention);
        }
      });
      await this.#reload([]);
      const made = this.#relations.named(name);
      if (table !== undefined) await this.#capture.install(this.#relations, made);
    });
  }

  async drop(request: DropRequest): Promise<void> {
    await this.#host.turn(async () => {
      if (request.kind === 'index') return this.#dropIndexes(request);
      const gone = whatGoes(this.#relations, request);
      await this.#store.transaction(async () => {
        for (const relation of gone) await removeRelation(this.#store, relation);
        const left = await this.#read();
        for (const relation of gone) {
          if (relation.aggregate === null) continue;
          await this.#capture.install(left, left.get(relation.aggregate.base));
        }
      });
      await this.#reload(gone);
    });
  }

  async #dropIndexes(request: DropRequest): Promise<void> {
    const names = request.names.map((name) => `public.${quoteName(name)}`).join(', ');
    await this.#store.run(`DROP INDEX ${request.ifExists ? 'IF EXISTS ' : ''}${names}`);
  }

  /** All that SHOW lists; `readingOf` says how the reading of a table from its topic goes. */
  list(readingOf: (relation: Relation) => string | null): readonly RelationInfo[] {
    return this.#relations
      .all()
      .filter((relation) => relation.schema === 'public')
      .map((relation) => ({
        name: relation.name,
        kind: relation.type,
        reevaluated: relation.type === 'materialized-view' ? relation.reason : null,
        sql: relation.sql,
        countsSince: relation.countsSince,
        reading: readingOf(relation),
      }));
  }

  async columns(name: string): Promise<readonly RelationColumn[]> {
    const relation = this.#relations.named(name);
    if (relation === undefined) throw unknownItem(name);
    return relation.columns;
  }

  /**
   * Takes over tables that a session made or dropped in plain SQL. `sql` is its statement, kept for
   * SHOW CREATE.
   */
  async adoptTables(sql: string): Promise<void> {
    const found = await this.#store.query(
      `SELECT c.relname, c.relkind IN ('r', 'p') FROM pg_class AS c
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')`,
    );
    const names = new Set(found.map(([name]) => name ?? ''));
    const tables = found.filter(([, isTable]) => isTable === 't').map(([name]) => name ?? '');
    const lost = this.#relations
      .all()
      .filter(
        ({ schema, method, name }) => schema === 'public' && method !== 'none' && !names.has(name),
      );
    const gone = lost.flatMap((each) => [...this.#relations.dependents(each.id), each]);
    for (const relation of new Set(gone)) await removeRelation(this.#store, relation);
    for (const name of tables) {
      if (this.#relations.named(name) !== undefined) continue;
      const id = await nextId(this.#store);
      await insertRelation(this.#store, { id, name, type: 'table', method: 'table', sql });
    }
    await this.#reload(gone);
  }

  /** Reads the relations of a store that was just opened, and puts its triggers in order. */
  async open(): Promise<void> {
    this.#relations = await this.#read();
    for (const relation of this.#relations.all()) {
      const hasTriggers = relation.method === 'table' || relation.method === 'ivm';
      if (hasTriggers) await this.#capture.install(this.#relations, relation);
    }
    await this.adoptTables('');
  }

  /** Reads the relations anew; `gone` are those that were dropped. */
  async #reload(gone: readonly Relation[]): Promise<void> {
    this.#relations = await this.#read();
    await this.#host.changed(gone);
  }

  async #read(): Promise<Relations> {
    return readRelations(this.#store);
  }
}
