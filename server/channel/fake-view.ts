import { apply, difference } from '../../protocol/multiset.ts';
import {
  type Batch,
  type Changes,
  type Column,
  compareFrontiers,
  type Frontier,
  type RowText,
  type Timestamp,
} from '../../protocol/update.ts';
import type { LiveView, ViewListener, ViewState, Views } from './view.ts';

const COUNTS: readonly Column[] = [
  { name: 'user', type: 'text' },
  { name: 'count', type: 'bigint' },
];

/** A view for tests, moved by hand, that remembers what it held at every frontier. */
export class FakeView implements LiveView {
  readonly name: string;
  readonly columns: readonly Column[];
  definition: string | null = null;
  identity = 'db';
  epoch = '';
  frontier: Frontier | null = null;
  state: ViewState = 'hydrating';
  readonly rows = new Map<RowText, number>();
  /** How far back `since` reaches, in remembered frontiers. */
  reach = Number.POSITIVE_INFINITY;
  readonly #listeners = new Set<ViewListener>();
  readonly #past = new Map<Timestamp, Changes>();

  constructor(name: string, columns: readonly Column[] = COUNTS) {
    this.name = name;
    this.columns = columns;
  }

  get watchers(): number {
    return this.#listeners.size;
  }

  /** What the view held at a frontier of its present epoch. */
  at(frontier: Timestamp): Changes | undefined {
    const start = [...this.#past.keys()].findLast((past) => past <= frontier);
    return start === undefined ? undefined : this.#past.get(start);
  }

  get frontiers(): readonly Timestamp[] {
    return [...this.#past.keys()];
  }

  /** Every update is taken to have the time just below the frontier that closed it. */
  since(epoch: string, lower: Timestamp): Batch | null {
    const { frontier } = this;
    const known = [...this.#past.keys()].slice(-this.reach);
    const start = known.findLast((past) => past <= lower);
    if (epoch !== this.epoch || frontier === null || start === undefined) return null;
    if (compareFrontiers(lower, frontier) > 0) return null;
    const past = this.#past.get(start) ?? new Map();
    return { lower, upper: frontier, changes: difference(past, this.rows) };
  }

  watch(listener: ViewListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A new epoch that holds these rows: the first snapshot, or another view. */
  reset(epoch: string, frontier: Frontier, rows: Changes, identity = this.identity): void {
    const changes = difference(this.rows, rows);
    apply(this.rows, changes);
    this.identity = identity;
    this.epoch = epoch;
    this.frontier = frontier;
    this.state = 'live';
    this.#past.clear();
    this.#remember();
    for (const listener of this.#listeners) listener.reset(changes);
  }

  /** Advances the frontier. */
  batch(upper: Frontier, changes: Changes): void {
    const lower = this.frontier;
    if (lower === null || lower === 'end') throw new Error(`no batch follows ${lower}`);
    apply(this.rows, changes);
    this.frontier = upper;
    this.#remember();
    for (const listener of this.#listeners) listener.batch({ lower, upper, changes });
  }

  become(state: ViewState): void {
    this.state = state;
    for (const listener of this.#listeners) listener.state(state);
  }

  #remember(): void {
    if (typeof this.frontier === 'number') this.#past.set(this.frontier, new Map(this.rows));
  }
}

/** Views for tests. */
export class FakeViews implements Views {
  discovered = true;
  readonly #views = new Map<string, LiveView>();
  readonly #listeners = new Set<Parameters<Views['watch']>[0]>();

  get(name: string): LiveView | undefined {
    return this.#views.get(name);
  }

  all(): readonly LiveView[] {
    return [...this.#views.values()];
  }

  watch(listener: Parameters<Views['watch']>[0]): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  add(name: string, columns?: readonly Column[]): FakeView {
    const view = new FakeView(name, columns);
    this.#views.set(name, view);
    for (const listener of this.#listeners) listener.added(view);
    return view;
  }

  remove(name: string): void {
    const view = this.#views.get(name);
    this.#views.delete(name);
    if (view !== undefined) for (const listener of this.#listeners) listener.removed(view);
  }
}
