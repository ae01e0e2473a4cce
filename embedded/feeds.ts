import type { Capture } from './capture.ts';
import { rowless, unknownItem } from './catalog-errors.ts';
import { type ChangeSource, changeSource, confirmLinear } from './change-source.ts';
import type { LogicalClock } from './clock.ts';
import { EngineError, type SubscribeRequest, type Subscription } from './engine.ts';
import { anyExpire, letExpire } from './expiry.ts';
import { addInto, constantSubscription, Feed, type HistoryLimits } from './feed.ts';
import { makeQueryView } from './query-view.ts';
import { type Relation, type Relations, sqlName } from './relation.ts';
import { keyOfRow, type RowKey } from './row-key.ts';
import type { Store } from './store.ts';
import { DATA_ROW } from './store-frames.ts';

/** A feed and where its changes come from. */
interface LiveFeed {
  readonly key: string;
  readonly relation: Relation;
  readonly source: ChangeSource;
  readonly feed: Feed;
  /** The whole result as it was published, where changes are found by comparing. */
  bag: Map<RowKey, number> | null;
}

export interface FeedsOptions {
  readonly history: HistoryLimits;
  /** How long a feed goes on without a reader, in ms. */
  readonly lingerMs: number;
  /**
   * After a tick there is none for so many times as long as its re-evaluations took, or for a
   * second. With 3, views that take less than that take a quarter of the engine's time at most.
   */
  readonly restFactor: number;
  /** From one look at what changes with time to the next, in ms. */
  readonly temporalMs: number;
  /** What is in the catalogue at this moment. */
  readonly relations: () => Relations;
  readonly wall: () => number;
}

const MAX_REST_MS = 1_000;
/** A timer of a second comes somewhat early or late: what is due by then is due. */
const WAKE_MS = 50;
/** What changes with time is looked at less often than its interval where that took long. */
const TEMPORAL_SHARE = 1 / 10;

/**
 * All feeds, and the tick that moves them: all in one tick, since no view can tell later what it
 * was at a time at which it was not looked at, and all agree at every time. Only what changes with
 * time moves in steps of a second: meanwhile its feeds promise nothing, and then all that happened
 * is theirs at once. Every method that is async runs inside a turn of the caller's.
 */
export class Feeds {
  readonly #store: Store;
  readonly #capture: Capture;
  readonly #clock: LogicalClock;
  readonly #options: FeedsOptions;
  readonly #live = new Map<string, LiveFeed>();
  #queries = 0;
  /** Wall clock until when views are not re-evaluated without need. */
  #restUntil = 0;
  /** Wall clock from when on the next tick looks at what changes with time. */
  #temporalAt = 0;

  constructor(store: Store, capture: Capture, clock: LogicalClock, options: FeedsOptions) {
    this.#store = store;
    this.#capture = capture;
    this.#clock = clock;
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Something changes by itself: quiet seconds need a whole tick. */
  get needsTick(): boolean {
    return anyExpire(this.#options.relations()) || [...this.#live.values()].some(isTemporal);
  }

  /** How long the next tick is to wait, in ms, so that re-evaluation leaves time for the rest. */
  get restMs(): number {
    return Math.max(0, this.#restUntil - this.#options.wall());
  }

  /**
   * Lets time pass without changes: what was committed since the last tick gets a later time. Not
   * async: needs no turn, and no tick may be under way.
   */
  passTime(): void {
    this.#clock.advance();
    for (const live of this.#live.values()) {
      if (!isTemporal(live)) live.feed.advance(this.#clock.frontier);
    }
  }

  /**
   * Gives everything committed since the last tick one timestamp and publishes it: first all
   * changes, then all progress.
   *
   * @param all also what changes with time, though it is not due
   */
  async tick(all = false): Promise<void> {
    const { relations, wall, temporalMs } = this.#options;
    const time = this.#clock.next();
    const start = wall();
    const isDue = all || start >= this.#temporalAt;
    if (isDue) await letExpire(this.#store, this.#capture, relations(), time);
    const changes = await this.#collect(time, isDue);
    for (const [live, rows] of changes) live.feed.publish(time, rows);
    this.#clock.close(time);
    for (const live of this.#live.values()) {
      if (isDue || !isTemporal(live)) live.feed.advance(this.#clock.frontier);
    }
    if (isDue) {
      const took = wall() - start;
      this.#temporalAt = start + Math.max(temporalMs - WAKE_MS, took / TEMPORAL_SHARE);
    }
  }

  async #collect(time: number, isDue: boolean): Promise<Map<LiveFeed, Map<RowKey, number>>> {
    const touched = await this.#capture.takeTouched();
    const changes = new Map<LiveFeed, Map<RowKey, number>>();
    const bases = new Map<string, { relation: Relation; kept: LiveFeed[] }>();
    for (const live of this.#live.values()) {
      const { source } = live;
      if (!isDue && isTemporal(live)) continue;
      if (source.kind === 'linear') {
        changes.set(live, await this.#guard(live, () => this.#linearChanges(source)));
        if (!bases.has(source.base.id))
          bases.set(source.base.id, { relation: source.base, kept: [] });
      } else if (source.kind === 'kept') {
        const base = bases.get(source.relation.id) ?? { relation: source.relation, kept: [] };
        bases.set(source.relation.id, { ...base, kept: [...base.kept, live] });
      } else if (source.kind === 'reevaluated') {
        const isTouched = source.tables.some((table) => touched.has(table.oid ?? 0));
        if (source.temporal || isTouched) {
          changes.set(live, await this.#guard(live, () => this.#reevaluate(live, time)));
        }
      }
    }
    for (const { relation, kept } of bases.values()) {
      const rows = await this.#takeBase(relation, kept.length > 0);
      for (const live of kept) changes.set(live, rows);
    }
    return changes;
  }

  async #takeBase(relation: Relation, isRead: boolean): Promise<Map<RowKey, number>> {
    const rows = new Map<RowKey, number>();
    if (isRead) await this.#capture.takeRows(relation, (key, diff) => addRow(rows, key, diff));
    else await this.#capture.dropRows(relation);
    return rows;
  }

  /** An error in a view's query ends its readers, not the tick (materialize.md §1.3). */
  async #guard(
    live: LiveFeed,
    work: () => Promise<Map<RowKey, number>>,
  ): Promise<Map<RowKey, number>> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      live.feed.fail(new EngineError('XX000', `Evaluation error: ${error.message}`));
      return new Map();
    }
  }

  async #linearChanges(source: {
    readonly added: string;
    readonly removed: string;
  }): Promise<Map<RowKey, number>> {
    const rows = new Map<RowKey, number>();
    await this.#eachRow(source.added, (key) => addRow(rows, key, 1));
    await this.#eachRow(source.removed, (key) => addRow(rows, key, -1));
    return rows;
  }

  async #reevaluate(live: LiveFeed, time: number): Promise<Map<RowKey, number>> {
    const { wall, restFactor } = this.#options;
    const start = wall();
    const now = await this.#rows(live.relation, time);
    const changes = new Map(now);
    if (live.bag !== null) addInto(changes, live.bag, -1);
    live.bag = now;
    const end = wall();
    // What changes with time has its own pace, which is slow enough.
    if (live.relation.temporal) return changes;
    const restMs = Math.max(0, this.#restUntil - start) + restFactor * (end - start);
    this.#restUntil = end + Math.min(restMs, MAX_REST_MS);
    return changes;
  }

  /** All rows of a relation at this moment. */
  async #rows(relation: Relation, time: number): Promise<Map<RowKey, number>> {
    if (relation.temporal) {
      await this.#store.run(`SELECT set_config('viewcast.now', '${time}', false)`);
    }
    const rows = new Map<RowKey, number>();
    await this.#eachRow(`SELECT * FROM ${sqlName(relation)}`, (key) => addRow(rows, key, 1));
    return rows;
  }

  async #eachRow(sql: string, each: (key: RowKey) => void): Promise<void> {
    await this.#store.run(sql, (frame) => {
      if (frame.type === DATA_ROW) each(keyOfRow(frame.body));
    });
  }

  /** A new reader; everything committed before is in its snapshot. */
  async subscribe(relations: Relations, request: SubscribeRequest): Promise<Subscription> {
    const relation = await this.#relationOf(relations, request.from);
    const key = keyOf(request.from, relation);
    await this.tick(relation.temporal);
    const live = this.#usable(key) ?? (await this.#start(key, relations, relation));
    if (live === null) {
      const rows = request.snapshot ? await this.#rows(relation, 0) : null;
      return constantSubscription(await this.#fields(relation), rows);
    }
    return live.feed.open(request, async () =>
      live.bag === null ? this.#rows(live.relation, this.#clock.frontier - 1) : new Map(live.bag),
    );
  }

  #usable(key: string): LiveFeed | undefined {
    const live = this.#live.get(key);
    return live?.feed.error === undefined ? live : undefined;
  }

  async #relationOf(relations: Relations, from: SubscribeRequest['from']): Promise<Relation> {
    if ('relation' in from) {
      const relation = relations.named(from.relation);
      if (relation === undefined) throw unknownItem(from.relation);
      if (relation.method === 'none') throw rowless(relation);
      return relation;
    }
    return (
      this.#live.get(keyOf(from))?.relation ??
      (await makeQueryView(this.#store, relations, `q${++this.#queries}`, from.query))
    );
  }

  async #fields(relation: Relation): ReturnType<Store['describe']> {
    return this.#store.describe(`SELECT * FROM ${sqlName(relation)} LIMIT 0`);
  }

  /** Starts capturing a relation; null when it can never change. */
  async #start(key: string, relations: Relations, relation: Relation): Promise<LiveFeed | null> {
    const stale = this.#live.get(key);
    if (stale !== undefined) await this.#retire(stale, relations);
    const source = await this.#capturedSource(relations, relation);
    if (source.kind === 'constant') return null;
    const feed = new Feed(
      await this.#fields(relation),
      this.#clock.frontier,
      this.#options.history,
    );
    const live: LiveFeed = { key, relation, source, feed, bag: null };
    if (source.kind === 'reevaluated') {
      live.bag = await this.#rows(relation, this.#clock.frontier - 1);
    }
    this.#live.set(key, live);
    return live;
  }

  async #capturedSource(relations: Relations, relation: Relation): Promise<ChangeSource> {
    const source = await changeSource(this.#store, relations, relation);
    if (source.kind === 'kept') await this.#capture.wantRows(relations, source.relation);
    if (source.kind === 'linear') {
      await this.#capture.wantRows(relations, source.base);
      if (!(await confirmLinear(this.#store, source))) {
        await this.#capture.unwantRows(relations, source.base);
        return this.#touching(relations, {
          kind: 'reevaluated',
          tables: relations.tables(relation.deps),
          temporal: false,
        });
      }
    }
    return source.kind === 'reevaluated' ? this.#touching(relations, source) : source;
  }

  async #touching(
    relations: Relations,
    source: ChangeSource & { readonly kind: 'reevaluated' },
  ): Promise<ChangeSource> {
    for (const table of source.tables) await this.#capture.wantTouch(relations, table);
    return source;
  }

  async #retire(live: LiveFeed, relations: Relations): Promise<void> {
    this.#live.delete(live.key);
    const { source, relation } = live;
    if (source.kind === 'kept') await this.#capture.unwantRows(relations, source.relation);
    if (source.kind === 'linear') await this.#capture.unwantRows(relations, source.base);
    if (source.kind === 'reevaluated') {
      for (const table of source.tables) await this.#capture.unwantTouch(relations, table);
    }
    if (relation.schema === 'viewcast_delta') {
      await this.#store.run(`DROP VIEW IF EXISTS ${sqlName(relation)}`);
    }
  }

  /** Stops capturing for feeds that nobody has read for long, or that failed. */
  async retireIdle(relations: Relations): Promise<void> {
    const horizon = this.#clock.frontier - this.#options.lingerMs;
    for (const live of [...this.#live.values()]) {
      const { idleSince, error } = live.feed;
      if (error !== undefined || (idleSince !== null && idleSince < horizon)) {
        await this.#retire(live, relations);
      }
    }
  }

  /** Ends the readers of dropped relations and of whatever read them (materialize.md §2.6). */
  async drop(gone: readonly Relation[], relations: Relations): Promise<void> {
    const ids = new Set(gone.map((relation) => relation.id));
    for (const live of [...this.#live.values()]) {
      const { relation } = live;
      const lost = ids.has(relation.id)
        ? relation
        : gone.find(({ id }) => relation.deps.includes(id));
      if (lost === undefined) continue;
      live.feed.fail(
        new EngineError('42704', `relation 'materialize.public.${lost.name}' was dropped`),
      );
      await this.#retire(live, relations);
    }
  }

  /** Ends everything, as the engine does. */
  failAll(error: EngineError): void {
    for (const { feed } of this.#live.values()) feed.fail(error);
  }
}

function keyOf(from: SubscribeRequest['from'], relation?: Relation): string {
  return 'query' in from ? `query ${from.query}` : `relation ${relation?.id}`;
}

function addRow(rows: Map<RowKey, number>, key: RowKey, diff: number): void {
  const sum = (rows.get(key) ?? 0) + diff;
  if (sum === 0) rows.delete(key);
  else rows.set(key, sum);
}

const isTemporal = ({ source, relation }: LiveFeed): boolean =>
  relation.temporal && source.kind !== 'constant';
