import { rowValues } from '../../protocol/row.ts';
import { View } from './view.ts';

/** Where the database lists its objects (Materialize docs, mz_catalog.mz_objects). */
const OBJECTS = 'mz_catalog.mz_objects';
/** On the line up to 0.26 a view is materialized when it has an index. */
const INDEXES = 'mz_catalog.mz_indexes';

export interface CatalogParts {
  /** Feeds a view from the database from now on. */
  readonly follow: (name: string, view: View) => { stop(): void };
  /** Materialized views alone, or all that people made. */
  readonly wanted: 'materialized' | 'everything';
  /** What there is now, object ids by name (several of one name together), whenever that changes. */
  readonly changed: (objects: ReadonlyMap<string, string>) => void;
}

/** What people have made in the database, by one subscription on its catalogue. */
export class Catalog {
  readonly #parts: CatalogParts;
  readonly #objects: View;
  /** Followed on the older line, where `materialized` is wanted. */
  #indexes: View | null = null;
  readonly #stops: (() => void)[] = [];

  constructor(parts: CatalogParts) {
    this.#parts = parts;
    this.#objects = this.#follow(OBJECTS);
  }

  /** The database is of the line up to 0.26, which lists materialized views as views. Idempotent. */
  treatAsOlder(): void {
    if (this.#indexes !== null || this.#parts.wanted === 'everything') return;
    this.#indexes = this.#follow(INDEXES);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #follow(name: string): View {
    const view = new View(name);
    const tell = () => this.#tell();
    view.watch({
      batch: ({ changes }) => {
        if (changes.size > 0) tell();
      },
      reset: tell,
      state: () => {},
    });
    const following = this.#parts.follow(name, view);
    this.#stops.push(() => following.stop());
    return view;
  }

  #tell(): void {
    const isComplete = [this.#objects, this.#indexes].every((view) => view?.frontier !== null);
    if (isComplete) this.#parts.changed(this.#wantedByName());
  }

  #wantedByName(): ReadonlyMap<string, string> {
    const indexed =
      this.#indexes === null
        ? null
        : new Set(valuesOf(this.#indexes, ['on_id']).map(([id]) => id ?? ''));
    const isMaterialized = (id: string, type: string) =>
      indexed === null ? type === 'materialized-view' : type === 'view' && indexed.has(id);
    const byName = new Map<string, string>();
    for (const [id = '', name = '', type = ''] of valuesOf(this.#objects, ['id', 'name', 'type'])) {
      const isWanted = this.#parts.wanted === 'everything' || isMaterialized(id, type);
      // Materialize's own objects have ids that start with s.
      if (!isWanted || id.startsWith('s')) continue;
      const other = byName.get(name);
      byName.set(name, other === undefined ? id : `${other} ${id}`);
    }
    return byName;
  }
}

/** Some columns of all rows, as texts, in an order that does not depend on when they came. */
function valuesOf(view: View, columns: readonly string[]): readonly (readonly string[])[] {
  const places = columns.map((column) => view.columns.findIndex(({ name }) => name === column));
  return [...view.rows.keys()].sort().map((row) => {
    const values = rowValues(row);
    return places.map((place) => String(values[place]));
  });
}
