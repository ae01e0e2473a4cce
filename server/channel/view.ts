import type {
  Batch,
  Changes,
  Column,
  Frontier,
  RowText,
  Timestamp,
} from '../../protocol/update.ts';

/**
 * Where a view stands with its upstream: `hydrating` until the first snapshot is complete, `live`
 * while progress arrives, `stale` after 3 s without it, `ended` when it can never change again,
 * `gone` when the database no longer has it.
 */
export type ViewState = 'hydrating' | 'live' | 'stale' | 'ended' | 'gone';

/** What a view tells those who watch it; every call is made after the view's own state moved. */
export interface ViewListener {
  /** The frontier advanced: `batch.lower` is the frontier held before, changes may be empty. */
  batch(batch: Batch): void;
  /**
   * The view is another one now (a new epoch), or has its first snapshot. `difference` turns what
   * was held before into what is held now, for viewers that know no epochs.
   */
  reset(difference: Changes): void;
  state(state: ViewState): void;
}

/** A view as a channel sees it; the view stage provides it by shape. */
export interface LiveView {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The statement that made it, for people; null where it is not known. */
  readonly definition?: string | null;
  /** The database that the rows are of: an environment, cluster or store; '' while hydrating. */
  readonly identity: string;
  /** Names what timestamps mean; '' while hydrating. */
  readonly epoch: string;
  /** What `rows` holds; null while hydrating. */
  readonly frontier: Frontier | null;
  readonly state: ViewState;
  /** The view at `frontier`, row to multiplicity. It moves under the reader: copy to keep. */
  readonly rows: ReadonlyMap<RowText, number>;
  /**
   * The consolidated batch `[lower, frontier)`, or null when history does not reach back to it or
   * `epoch` is not this view's: then only a snapshot helps.
   */
  since(epoch: string, lower: Timestamp): Batch | null;
  /** Calls the listener from now on; the returned function ends it and may be called once. */
  watch(listener: ViewListener): () => void;
}

/** All views that are served, by name. */
export interface Views {
  get(name: string): LiveView | undefined;
  all(): readonly LiveView[];
  /** False until the list of views is known: any name may yet be one. Default: it is known. */
  readonly discovered?: boolean;
  /** Tells of views that appear and disappear while serving. */
  watch(listener: { added(view: LiveView): void; removed(view: LiveView): void }): () => void;
}
