import { addAll, apply, difference } from '../../protocol/multiset.ts';
import {
  type Batch,
  type Changes,
  type Column,
  compareFrontiers,
  type Diff,
  type Frontier,
  type RowText,
  type Timestamp,
} from '../../protocol/update.ts';
import type { PackedEntry, PackedView, ViewEvent, ViewState } from './message.ts';
import { unpack } from './pack.ts';

/** What a view was; the view stage provides it by shape. */
export interface MirrorHistory {
  append(first: Timestamp, last: Timestamp, changes: Changes): void;
  trim(now: Timestamp): void;
  since(lower: Timestamp): Changes | null;
}

/** Makes a history that reaches back to `start`, under the limits of the main thread's. */
export type MakeHistory = (start: Timestamp) => MirrorHistory;

/** What a view tells those who watch it; the channel stage names the same. */
export interface MirrorListener {
  batch(batch: Batch): void;
  reset(difference: Changes): void;
  state(state: ViewState): void;
}

/** Remembered differences; each may be as large as the view. */
const MAX_DIFFERENCES = 64;

/** A view of the main thread as a worker knows it: equal in rows, frontier and history. */
export class MirrorView {
  readonly name: string;
  readonly #makeHistory: MakeHistory;
  readonly #listeners = new Set<MirrorListener>();
  readonly #differences = new Map<Timestamp, Changes>();
  #columns: readonly Column[] = [];
  #definition: string | null = null;
  #identity = '';
  #epoch = '';
  #frontier: Frontier | null = null;
  #state: ViewState = 'hydrating';
  #rows = new Map<RowText, number>();
  #history: MirrorHistory;

  constructor(view: PackedView, makeHistory: MakeHistory) {
    this.name = view.name;
    this.#makeHistory = makeHistory;
    this.#history = makeHistory(view.historyStart);
    this.#take(view);
  }

  get columns(): readonly Column[] {
    return this.#columns;
  }

  get definition(): string | null {
    return this.#definition;
  }

  /** The database that the rows are of; '' while hydrating. */
  get identity(): string {
    return this.#identity;
  }

  /** Names what timestamps mean; '' while hydrating. */
  get epoch(): string {
    return this.#epoch;
  }

  /** What `rows` holds; null while hydrating. */
  get frontier(): Frontier | null {
    return this.#frontier;
  }

  get state(): ViewState {
    return this.#state;
  }

  /** The view at `frontier`, row to multiplicity. It moves under the reader: copy to keep. */
  get rows(): ReadonlyMap<RowText, number> {
    return this.#rows;
  }

  /**
   * The consolidated batch `[lower, frontier)`; null when history does not reach back to it, it is
   * of another epoch, or ahead of the frontier. Its changes are shared: copy to change.
   */
  since(epoch: string, lower: Timestamp): Batch | null {
    const upper = this.#frontier;
    if (upper === null || epoch !== this.#epoch || compareFrontiers(lower, upper) > 0) return null;
    const known = this.#differences.get(lower);
    const changes = known ?? (lower === upper ? new Map() : this.#history.since(lower));
    if (changes === null) return null;
    if (this.#differences.size < MAX_DIFFERENCES) this.#differences.set(lower, changes);
    return { lower, upper, changes };
  }

  /** Calls the listener from now on; the returned function ends it and may be called once. */
  watch(listener: MirrorListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The view is another one, or has its first snapshot. */
  reset(view: PackedView): void {
    const before = this.#rows;
    this.#take(view);
    const changes = difference(before, this.#rows);
    for (const listener of [...this.#listeners]) listener.reset(changes);
  }

  /** The frontier advanced. */
  batch({ upper, entries, forgotten }: Extract<ViewEvent, { readonly kind: 'batch' }>): void {
    const lower = this.#frontier;
    if (lower === 'end') throw new Error(`expected no batch of ${this.name} after its end`);
    if (forgotten !== null) this.#history = this.#makeHistory(forgotten.historyStart);
    const sum = this.#remember(entries, upper);
    const changes = forgotten === null ? sum : unpack(forgotten.changes);
    apply(this.#rows, changes);
    this.#frontier = upper;
    this.#differences.clear();
    for (const listener of [...this.#listeners]) listener.batch({ lower, upper, changes });
  }

  /** The view stands otherwise with its upstream. */
  enter(state: ViewState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener.state(state);
  }

  #take(view: PackedView): void {
    this.#columns = view.columns;
    this.#definition = view.definition;
    this.#identity = view.identity;
    this.#epoch = view.epoch;
    this.#frontier = view.frontier;
    this.#state = view.state;
    this.#rows = unpack(view.rows);
    this.#history = this.#makeHistory(view.historyStart);
    this.#differences.clear();
    if (view.frontier !== null) this.#remember(view.entries, view.frontier);
  }

  /** Returns what the entries add up to. */
  #remember(entries: readonly PackedEntry[], upper: Frontier): Changes {
    const kept = entries.map(({ first, last, changes: packed }) => {
      const changes = unpack(packed);
      this.#history.append(first, last, changes);
      return changes;
    });
    if (upper !== 'end') this.#history.trim(upper);
    const [only = new Map(), ...more] = kept;
    if (more.length === 0) return only;
    // History keeps the changes: several of them are added up elsewhere.
    const sum = new Map<RowText, Diff>();
    for (const changes of kept) addAll(sum, changes);
    return sum;
  }
}
