import type { Capture } from './capture.ts';
import type { ChangeSource, LinearSource } from './change-source.ts';
import { EngineError } from './engine.ts';
import type { Feed } from './feed.ts';
import type { Relation } from './relation.ts';
import { addRows, rowsOf } from './relation-rows.ts';
import { addInto, addRow, type RowChanges } from './row-changes.ts';
import type { RowKey } from './row-key.ts';
import type { Store } from './store.ts';
import type { TickPace } from './tick-pace.ts';

/** A feed and where its changes come from. */
export interface LiveFeed {
  readonly relation: Relation;
  readonly source: ChangeSource;
  readonly feed: Feed;
  /** The whole result as it was published, where changes are found by comparing. */
  published: RowChanges | null;
}

/**
 * Finds what changed in feeds since the tick before. The changed rows of a relation are read once
 * for all who need them and are gone then; whoever needs only queries over them comes first.
 */
export class ChangeCollector {
  readonly #store: Store;
  readonly #capture: Capture;
  readonly #pace: TickPace;
  readonly #wall: () => number;

  constructor(store: Store, capture: Capture, pace: TickPace, wall: () => number) {
    this.#store = store;
    this.#capture = capture;
    this.#pace = pace;
    this.#wall = wall;
  }

  /** The changes of each of these feeds that may have some, all of `time`. In a turn. */
  async collect(
    feeds: Iterable<LiveFeed>,
    time: number,
  ): Promise<ReadonlyMap<LiveFeed, RowChanges>> {
    const touched = await this.#capture.takeTouched();
    const changes = new Map<LiveFeed, RowChanges>();
    const bases = new Map<string, { readonly base: Relation; readonly kept: LiveFeed[] }>();
    for (const live of feeds) {
      const { source } = live;
      if (source.kind === 'reevaluated') {
        const isTouched = source.tables.some((table) => touched.has(table.oid ?? 0));
        if (live.relation.temporal || isTouched) {
          changes.set(live, await guarded(live, () => this.#reevaluate(live, time)));
        }
        continue;
      }
      const taken = bases.get(source.base.id) ?? { base: source.base, kept: [] };
      bases.set(source.base.id, taken);
      if (source.kind === 'kept') taken.kept.push(live);
      else changes.set(live, await guarded(live, () => this.#queryChanges(source)));
    }
    for (const { base, kept } of bases.values()) {
      const rows = await this.#takeChanges(base, kept.length > 0);
      for (const live of kept) changes.set(live, rows);
    }
    return changes;
  }

  async #reevaluate(live: LiveFeed, time: number): Promise<RowChanges> {
    const start = this.#wall();
    const now = await rowsOf(this.#store, live.relation, time);
    const changes = new Map(now);
    if (live.published !== null) addInto(changes, live.published, -1);
    live.published = now;
    // What changes with time has its own pace, which is slow enough.
    if (!live.relation.temporal) this.#pace.reevaluated(start, this.#wall());
    return changes;
  }

  async #queryChanges(source: LinearSource): Promise<RowChanges> {
    const rows = new Map<RowKey, number>();
    await addRows(this.#store, rows, source.added, 1);
    await addRows(this.#store, rows, source.removed, -1);
    return rows;
  }

  async #takeChanges(base: Relation, isRead: boolean): Promise<RowChanges> {
    const rows = new Map<RowKey, number>();
    if (isRead) await this.#capture.takeRows(base, (key, diff) => addRow(rows, key, diff));
    else await this.#capture.dropRows(base);
    return rows;
  }
}

/** An error in a view's query ends its readers, not the tick (materialize.md §1.3). */
async function guarded(live: LiveFeed, work: () => Promise<RowChanges>): Promise<RowChanges> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    live.feed.fail(new EngineError('XX000', `Evaluation error: ${error.message}`));
    return new Map();
  }
}
