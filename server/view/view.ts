/**
 * A view as its viewers see it, fed by one stream after another.
 *
 * `#shown` is what viewers hold. A stream that goes on from it feeds it; one that brings a snapshot
 * feeds `#next`, unseen until it has caught up, and then
 *
 *   nothing shown before, or another relation    → reset, a new epoch with the history it brought
 *   the same relation, beyond the frontier       → one ordinary batch: no viewer is reset
 *   the same relation, but time went back        → reset, a new generation of the epoch
 */
import { difference } from '../../protocol/multiset.ts';
import {
  type Batch,
  type Changes,
  type Column,
  compareFrontiers,
  type Frontier,
  type RowText,
  type Timestamp,
  type Update,
} from '../../protocol/update.ts';
import { Collection } from './collection.ts';
import { epochOf, type Relation } from './epoch.ts';
import type { Entry, HistoryLimits } from './history.ts';

/** See PROTOCOL.md, "Status". */
export type ViewState = 'hydrating' | 'live' | 'stale' | 'ended' | 'gone';

/** What a view tells; every call is made after the view's own state moved. */
export interface ViewListener {
  /** The frontier advanced from `batch.lower`; the changes may be empty. */
  batch(batch: Batch): void;
  /** There is a first snapshot, or a new epoch; `difference` leads there from the rows before. */
  reset(difference: Changes): void;
  state(state: ViewState): void;
}

/** Snapshots up to so much older than what is shown are waited for; older ones mean a regress. */
const REGRESS_MS = 5_000;
/** Remembered differences; each may be as large as the view. */
const MAX_DIFFERENCES = 64;
const NOTHING: ReadonlyMap<RowText, number> = new Map();

export class View {
  readonly name: string;
  readonly #limits: HistoryLimits | undefined;
  readonly #listeners = new Set<ViewListener>();
  #relation: Relation | null = null;
  #generation: Timestamp = 0;
  #epoch = '';
  #state: ViewState = 'hydrating';
  #shown: Collection | null = null;
  #next: Collection | null = null;
  #nextRelation: Relation | null = null;
  #caughtUpAbove: Timestamp | null = null;
  /** What is shown contradicts the stream: only a snapshot repairs it. */
  #broken = false;
  /** Differences up to the present frontier, by where they start: many resume from one place. */
  readonly #differences = new Map<Timestamp, Changes>();

  constructor(name: string, limits?: HistoryLimits) {
    this.name = name;
    this.#limits = limits;
  }

  get columns(): readonly Column[] {
    return this.#relation?.columns ?? [];
  }

  /** The statement that made it; null while hydrating, and where the database does not tell it. */
  get definition(): string | null {
    return this.#relation?.definition ?? null;
  }

  /** The database that the rows are of; '' while hydrating. */
  get identity(): string {
    return this.#relation?.identity ?? '';
  }

  /** Names what timestamps mean; '' while hydrating. */
  get epoch(): string {
    return this.#epoch;
  }

  /** What `rows` holds; null while hydrating. */
  get frontier(): Frontier | null {
    return this.#shown?.frontier ?? null;
  }

  get state(): ViewState {
    return this.#state;
  }

  /** The view at `frontier`, row to multiplicity. It moves under the reader: copy to keep. */
  get rows(): ReadonlyMap<RowText, number> {
    return this.#shown?.rows ?? NOTHING;
  }

  /** Estimated bytes of the history. */
  get historyBytes(): number {
    return this.#shown?.history.bytes ?? 0;
  }

  /** The earliest frontier that `since` can start from; 0 while hydrating. */
  get historyStart(): Timestamp {
    return this.#shown?.history.start ?? 0;
  }

  /** What history keeps of the times from `lower` on, oldest first. */
  historyFrom(lower: Timestamp): readonly Entry[] {
    return this.#shown?.history.entriesFrom(lower) ?? [];
  }

  /**
   * The consolidated batch `[lower, frontier)`; null when history does not reach back to it, it is
   * of another epoch, or ahead of the frontier. Its changes are shared: copy to change.
   */
  since(epoch: string, lower: Timestamp): Batch | null {
    const upper = this.frontier;
    if (this.#shown === null || upper === null || epoch !== this.#epoch) return null;
    if (compareFrontiers(lower, upper) > 0) return null;
    const known = this.#differences.get(lower);
    const changes = known ?? (lower === upper ? new Map() : this.#shown.history.since(lower));
    if (changes === null) return null;
    if (this.#differences.size < MAX_DIFFERENCES) this.#differences.set(lower, changes);
    return { lower, upper, changes };
  }

  /** Calls the listener from now on; the returned function ends it and may be called once. */
  watch(listener: ViewListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The frontier from which a stream can go on, if this very relation is shown; else null. */
  heldFrontier(relation: Relation): Timestamp | null {
    const frontier = this.frontier;
    if (this.#broken || frontier === 'end' || !this.#isShown(relation)) return null;
    return frontier;
  }

  /** A stream begins; what an earlier one brought after its last progress is void. */
  start(
    relation: Relation,
    how: { readonly snapshot: boolean; readonly caughtUpAbove: Timestamp | null },
  ): void {
    this.#next = null;
    this.#shown?.discardPending();
    if (!how.snapshot) return;
    this.#next = new Collection(this.#limits);
    this.#nextRelation = relation;
    this.#caughtUpAbove = how.caughtUpAbove;
  }

  /** @throws {TimeError} after which only a stream with a snapshot helps. */
  update(update: Update): void {
    if (this.#next !== null) this.#next.update(update);
    else this.#orBroken(() => this.#shown?.update(update));
  }

  /** @throws {MultiplicityError} after which only a stream with a snapshot helps. */
  progress(frontier: Frontier): void {
    if (this.#next !== null) {
      this.#next.progress(frontier);
      this.#promote(false);
      return;
    }
    const batch = this.#orBroken(() => this.#shown?.progress(frontier));
    if (batch) this.#publish(batch);
  }

  /** Time is up for catching up: shows what is complete. */
  settle(): void {
    if (this.#next !== null && this.#next.frontier !== null) this.#promote(true);
  }

  /** No progress for a while. */
  stale(): void {
    if (this.#state === 'live') this.#enter('stale');
  }

  /** The database has no such view now. */
  gone(): void {
    this.#enter('gone');
  }

  /** Remembers when what is shown contradicts the stream. */
  #orBroken<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  /** Shows `#next` if it has caught up, or as it is when `now`. */
  #promote(now: boolean): void {
    const next = this.#next;
    const relation = this.#nextRelation;
    if (next === null || relation === null || next.frontier === null) return;
    const held = this.frontier;
    if (held === null || !this.#isShown(relation)) {
      const above = this.#caughtUpAbove;
      const caughtUp = above === null || compareFrontiers(next.frontier, above) > 0;
      if (caughtUp || now) this.#reset(next, relation, 0);
    } else if (
      held === 'end' ? next.frontier === held : compareFrontiers(next.frontier, held) > 0
    ) {
      this.#adopt(next);
    } else if (now || hasRegressed(next.frontier, held)) {
      this.#reset(next, relation, next.frontier === 'end' ? 0 : next.frontier);
    }
  }

  #adopt(next: Collection): void {
    this.#next = null;
    this.#broken = false;
    const batch = this.#shown?.adopt(next) ?? null;
    if (batch === null) this.#enterLive();
    else this.#publish(batch);
  }

  #reset(next: Collection, relation: Relation, generation: Timestamp): void {
    const changes = difference(this.rows, next.rows);
    this.#next = null;
    this.#broken = false;
    this.#shown = next;
    this.#relation = relation;
    this.#generation = generation;
    this.#epoch = epochOf(relation, generation);
    this.#differences.clear();
    for (const listener of [...this.#listeners]) listener.reset(changes);
    this.#enterLive();
  }

  #publish(batch: Batch): void {
    this.#differences.clear();
    for (const listener of [...this.#listeners]) listener.batch(batch);
    this.#enterLive();
  }

  #enterLive(): void {
    this.#enter(this.frontier === 'end' ? 'ended' : 'live');
  }

  #enter(state: ViewState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener.state(state);
  }

  #isShown(relation: Relation): boolean {
    return this.#epoch !== '' && this.#epoch === epochOf(relation, this.#generation);
  }
}

function hasRegressed(frontier: Frontier, held: Frontier): boolean {
  if (frontier === 'end' || held === 'end') return frontier !== 'end';
  return held - frontier > REGRESS_MS;
}
