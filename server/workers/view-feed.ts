import type { Batch, Changes, Column, Frontier, Timestamp } from '../../protocol/update.ts';
import type { PackedView, ViewEvent, ViewState } from './message.ts';
import { encodeEvents, pack, packEntry } from './pack.ts';

/** A view as it is handed to workers; the view stage provides it by shape. */
export interface FedView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly definition: string | null;
  readonly identity: string;
  readonly epoch: string;
  readonly frontier: Frontier | null;
  readonly state: ViewState;
  readonly rows: Changes;
  readonly historyStart: Timestamp;
  historyFrom(lower: Timestamp): readonly {
    readonly first: Timestamp;
    readonly last: Timestamp;
    readonly changes: Changes;
  }[];
  watch(listener: {
    batch(batch: Batch): void;
    reset(difference: Changes): void;
    state(state: ViewState): void;
  }): () => void;
}

/** All views that are served. */
export interface FedViews {
  readonly discovered: boolean;
  all(): readonly FedView[];
  watch(listener: {
    added(view: FedView): void;
    removed(view: FedView): void;
    discovered(): void;
  }): () => void;
}

/** Hears what happens to the views, all of one turn at once: texts of `encodeEvents`. */
export type EventReader = (texts: readonly string[]) => void;

/**
 * Tells workers what happens to the views. Who joins is told all that is, and from then on each
 * change, with nothing lost or doubled between.
 */
export class ViewFeed {
  readonly #views: FedViews;
  readonly #soon: (run: () => void) => void;
  readonly #readers = new Set<EventReader>();
  readonly #unwatch = new Map<FedView, () => void>();
  readonly #stop: () => void;
  #events: ViewEvent[] = [];
  #scheduled = false;

  /** `soon` runs what it is given at the end of the event loop's present turn. */
  constructor(views: FedViews, soon: (run: () => void) => void) {
    this.#views = views;
    this.#soon = soon;
    for (const view of views.all()) this.#watch(view);
    this.#stop = views.watch({
      added: (view) => {
        this.#watch(view);
        this.#tell({ kind: 'added', view: packView(view) });
      },
      removed: (view) => {
        this.#unwatch.get(view)?.();
        this.#unwatch.delete(view);
        this.#tell({ kind: 'removed', name: view.name });
      },
      discovered: () => this.#tell({ kind: 'discovered' }),
    });
  }

  /**
   * Hands over all views at once, in this very call, and then each change. The returned function
   * ends that and may be called more than once.
   */
  join(reader: EventReader): () => void {
    // What waits is in the state that is handed over: only those before may still be told.
    this.flush();
    // One text for each view: all of them together might be longer than a text can be.
    const texts = this.#views
      .all()
      .map((view) => encodeEvents([{ kind: 'added', view: packView(view) }]));
    const discovered = encodeEvents([{ kind: 'discovered' }]);
    reader(this.#views.discovered ? [...texts, discovered] : texts);
    this.#readers.add(reader);
    return () => {
      this.#readers.delete(reader);
    };
  }

  /** Tells now what would be told at the end of the turn. */
  flush(): void {
    const events = this.#events;
    this.#events = [];
    if (events.length === 0 || this.#readers.size === 0) return;
    const texts = [encodeEvents(events)];
    for (const reader of this.#readers) reader(texts);
  }

  /** Tells nothing any more; idempotent. */
  stop(): void {
    this.#stop();
    for (const unwatch of this.#unwatch.values()) unwatch();
    this.#unwatch.clear();
    this.#readers.clear();
  }

  #watch(view: FedView): void {
    const { name } = view;
    const unwatch = view.watch({
      batch: (batch) => this.#tell(packBatch(view, batch)),
      reset: () => this.#tell({ kind: 'reset', view: packView(view) }),
      state: (state) => this.#tell({ kind: 'state', name, state }),
    });
    this.#unwatch.set(view, unwatch);
  }

  #tell(event: ViewEvent): void {
    // A joining worker is handed the state as it is then.
    if (this.#readers.size === 0) return;
    this.#events.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}

function packView(view: FedView): PackedView {
  const { name, columns, definition, identity, epoch, frontier, state } = view;
  const { rows, historyStart } = view;
  const entries = view.historyFrom(historyStart).map(packEntry);
  const shown = { name, columns, definition, identity, epoch, frontier, state };
  return { ...shown, rows: pack(rows), historyStart, entries };
}

function packBatch(view: FedView, { lower, upper, changes }: Batch): ViewEvent {
  const from = lower ?? 0;
  const { name, historyStart } = view;
  // A batch may be too large, or reach too far back, for history to keep all of it.
  const forgotten = historyStart > from ? { changes: pack(changes), historyStart } : null;
  const entries = view.historyFrom(from).map(packEntry);
  return { kind: 'batch', name, upper, entries, forgotten };
}
