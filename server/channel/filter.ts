import { add, apply, difference } from '../../protocol/multiset.ts';
import { rowValues } from '../../protocol/row.ts';
import type {
  Batch,
  Changes,
  Column,
  Diff,
  Frontier,
  Json,
  RowText,
  Timestamp,
} from '../../protocol/update.ts';
import type { LiveView, ViewListener, ViewState } from './view.ts';

const NOTHING: Changes = new Map();

/**
 * Splits a view by the values of some columns. A change is looked at once, however many values are
 * watched, and only those are told whose rows it touches; the others' frontier moves unheard.
 */
export class FilterRouter {
  readonly #view: LiveView;
  readonly #columns: readonly string[];
  readonly #slices = new Map<string, FilteredView>();
  #rows = new Map<string, Map<RowText, number>>();
  readonly #unwatch: () => void;
  #frontier: Frontier | null;

  constructor(view: LiveView, columns: readonly string[]) {
    this.#view = view;
    this.#columns = columns;
    this.#frontier = view.frontier;
    this.#apply(view.rows);
    this.#unwatch = view.watch({
      batch: (batch) => this.#batch(batch),
      reset: () => this.#reset(),
      state: (state) => this.#tell((listener) => listener.state(state)),
    });
  }

  /** True when nobody watches any of its slices: it may be stopped. */
  get idle(): boolean {
    return [...this.#slices.values()].every(({ watched }) => !watched);
  }

  /** The rows whose columns have these values, in the order of `columns`. */
  slice(values: readonly Json[]): LiveView {
    const key = JSON.stringify(values);
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const slice = new FilteredView(this.#view, {
      frontier: () => this.#frontier,
      rows: () => this.#rows.get(key) ?? NOTHING,
      select: (changes) => this.#split(changes).get(key) ?? NOTHING,
      unwatched: () => this.#slices.delete(key),
    });
    this.#slices.set(key, slice);
    return slice;
  }

  stop(): void {
    this.#unwatch();
  }

  #batch(batch: Batch): void {
    const parts = this.#apply(batch.changes);
    this.#frontier = batch.upper;
    for (const [key, changes] of parts) {
      this.#slices.get(key)?.tell((listener) => listener.batch({ ...batch, changes }));
    }
  }

  /** All is another: the rows, and perhaps the columns. */
  #reset(): void {
    const before = this.#rows;
    this.#rows = new Map();
    this.#apply(this.#view.rows);
    this.#frontier = this.#view.frontier;
    for (const [key, slice] of [...this.#slices]) {
      const changes = difference(before.get(key) ?? NOTHING, this.#rows.get(key) ?? NOTHING);
      slice.tell((listener) => listener.reset(changes));
    }
  }

  #tell(call: (listener: ViewListener) => void): void {
    for (const slice of [...this.#slices.values()]) slice.tell(call);
  }

  #apply(changes: Changes): ReadonlyMap<string, Changes> {
    const parts = this.#split(changes);
    for (const [key, part] of parts) {
      const rows = this.#rows.get(key) ?? new Map<RowText, number>();
      apply(rows, part);
      if (rows.size > 0) this.#rows.set(key, rows);
      else this.#rows.delete(key);
    }
    return parts;
  }

  #split(changes: Changes): ReadonlyMap<string, Changes> {
    const parts = new Map<string, Map<RowText, Diff>>();
    const names = this.#view.columns.map(({ name }) => name);
    const positions = this.#columns.map((column) => names.indexOf(column));
    for (const [row, diff] of changes) {
      const values = rowValues(row);
      // A column that is no more equals nothing that a filter can say.
      const key = JSON.stringify(positions.map((position) => values[position] ?? absent(position)));
      const part = parts.get(key) ?? new Map<RowText, Diff>();
      add(part, row, diff);
      parts.set(key, part);
    }
    return parts;
  }
}

const absent = (position: number): Json => (position < 0 ? {} : null);

interface SliceParts {
  readonly frontier: () => Frontier | null;
  readonly rows: () => Changes;
  readonly select: (changes: Changes) => Changes;
  readonly unwatched: () => void;
}

/** Some of a view's rows, as a view. Its listeners hear of batches that touch it, not of others. */
class FilteredView implements LiveView {
  readonly #base: LiveView;
  readonly #parts: SliceParts;
  readonly #listeners = new Set<ViewListener>();

  constructor(base: LiveView, parts: SliceParts) {
    this.#base = base;
    this.#parts = parts;
  }

  get name(): string {
    return this.#base.name;
  }

  get columns(): readonly Column[] {
    return this.#base.columns;
  }

  get identity(): string {
    return this.#base.identity;
  }

  get epoch(): string {
    return this.#base.epoch;
  }

  get frontier(): Frontier | null {
    return this.#parts.frontier();
  }

  get state(): ViewState {
    return this.#base.state;
  }

  get rows(): Changes {
    return this.#parts.rows();
  }

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  since(epoch: string, lower: Timestamp): Batch | null {
    const batch = this.#base.since(epoch, lower);
    return batch && { ...batch, changes: this.#parts.select(batch.changes) };
  }

  watch(listener: ViewListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#parts.unwatched();
    };
  }

  tell(call: (listener: ViewListener) => void): void {
    for (const listener of [...this.#listeners]) call(listener);
  }
}
