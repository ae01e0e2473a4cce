import type { Capture } from './capture.ts';
import { rowless, unknownItem } from './catalog-errors.ts';
import { ChangeCollector, type LiveFeed } from './change-collector.ts';
import { closeSource, openSource } from './change-source.ts';
import type { LogicalClock } from './clock.ts';
import { EngineError, type SubscribeRequest, type Subscription } from './engine.ts';
import { anyExpire, letExpire } from './expiry.ts';
import { constantSubscription, Feed, type HistoryLimits } from './feed.ts';
import { dropQueryView, makeQueryView } from './query-view.ts';
import { type Relation, type Relations, sqlName } from './relation.ts';
import { rowsOf } from './relation-rows.ts';
import type { Store } from './store.ts';
import { type PaceOptions, TickPace } from './tick-pace.ts';

export interface FeedsOptions extends PaceOptions {
  readonly history: HistoryLimits;
  /** How long a feed goes on without a reader, in ms. */
  readonly lingerMs: number;
  /** What is in the catalogue at this moment. */
  readonly relations: () => Relations;
  readonly wall: () => number;
}

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
  readonly #pace: TickPace;
  readonly #collector: ChangeCollector;
  readonly #live = new Map<string, LiveFeed>();
  #queries = 0;

  constructor(store: Store, capture: Capture, clock: LogicalClock, options: FeedsOptions) {
    this.#store = store;
    this.#capture = capture;
    this.#clock = clock;
    this.#options = options;
    this.#pace = new TickPace(options);
    this.#collector = new ChangeCollector(store, capture, this.#pace, options.wall);
  }

  get size(): number {
    return this.#live.size;
  }

  /** Something changes by itself: quiet seconds need a whole tick. */
  get needsTick(): boolean {
    return anyExpire(this.#relations) || [...this.#live.values()].some(isTemporal);
  }

  /** How long the next tick is to wait, in ms, so that re-evaluation leaves time for the rest. */
  get restMs(): number {
    return this.#pace.restMs(this.#options.wall());
  }

  get #relations(): Relations {
    return this.#options.relations();
  }

  /**
   * Lets time pass without changes: what was committed since the last tick gets a later time. Not
   * async: needs no turn, and no tick may be under way.
   */
  passTime(): void {
    this.#clock.advance();
    this.#advance(this.#moving(false));
  }

  /**
   * Gives everything committed since the last tick one timestamp and publishes it: first all
   * changes, then all progress.
   *
   * @param all also what changes with time, though it is not due
   */
  async tick(all = false): Promise<void> {
    const { wall } = this.#options;
    const time = this.#clock.next();
    const start = wall();
    const isDue = all || this.#pace.isTemporalDue(start);
    if (isDue) await letExpire(this.#store, this.#capture, this.#relations, time);
    const moving = this.#moving(isDue);
    const changes = await this.#collector.collect(moving, time);
    for (const [{ feed }, rows] of changes) feed.publish(time, rows);
    this.#clock.close(time);
    this.#advance(moving);
    if (isDue) this.#pace.lookedAtTemporal(start, wall());
  }

  /** The feeds that a tick moves, with those of what changes with time or without. */
  #moving(withTemporal: boolean): readonly LiveFeed[] {
    return [...this.#live.values()].filter((live) => withTemporal || !isTemporal(live));
  }

  #advance(feeds: readonly LiveFeed[]): void {
    for (const { feed } of feeds) feed.advance(this.#clock.frontier);
  }

  /** A new reader; everything committed before is in its snapshot. */
  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    const relation = await this.#relationOf(request.from);
    const key = keyOf(request.from, relation);
    await this.tick(relation.temporal);
    const live = this.#usable(key) ?? (await this.#start(key, relation));
    if (live === null) return this.#readOnce(relation, request.snapshot);
    return live.feed.open(request, async () =>
      live.published === null ? this.#rowsNow(relation) : new Map(live.published),
    );
  }

  /** What can never change has no feed. */
  async #readOnce(relation: Relation, withRows: boolean): Promise<Subscription> {
    const rows = withRows ? await rowsOf(this.#store, relation, 0) : null;
    const fields = await this.#fields(relation);
    await dropQueryView(this.#store, relation);
    return constantSubscription(fields, rows);
  }

  async #relationOf(from: SubscribeRequest['from']): Promise<Relation> {
    if ('relation' in from) {
      const relation = this.#relations.named(from.relation);
      if (relation === undefined) throw unknownItem(from.relation);
      if (relation.method === 'none') throw rowless(relation);
      return relation;
    }
    return (
      this.#live.get(keyOf(from))?.relation ??
      (await makeQueryView(this.#store, this.#relations, `q${++this.#queries}`, from.query))
    );
  }

  #usable(key: string): LiveFeed | undefined {
    const live = this.#live.get(key);
    return live?.feed.error === undefined ? live : undefined;
  }

  /** Starts capturing a relation; null when it can never change. */
  async #start(key: string, relation: Relation): Promise<LiveFeed | null> {
    const failed = this.#live.get(key);
    if (failed !== undefined) await this.#stop(key, failed);
    const source = await openSource(this.#store, this.#capture, this.#relations, relation);
    if (source === null) return null;
    const fields = await this.#fields(relation);
    const feed = new Feed(fields, this.#clock.frontier, this.#options.history);
    const published = source.kind === 'reevaluated' ? await this.#rowsNow(relation) : null;
    const live = { relation, source, feed, published };
    this.#live.set(key, live);
    return live;
  }

  async #fields(relation: Relation): ReturnType<Store['describe']> {
    return this.#store.describe(`SELECT * FROM ${sqlName(relation)} LIMIT 0`);
  }

  /** A relation's rows, all of which are published. */
  #rowsNow(relation: Relation): ReturnType<typeof rowsOf> {
    return rowsOf(this.#store, relation, this.#clock.frontier - 1);
  }

  /** Stops capturing for feeds that nobody has read for long, or that failed. */
  async retireIdle(): Promise<void> {
    const horizon = this.#clock.frontier - this.#options.lingerMs;
    for (const [key, live] of [...this.#live]) {
      const { idleSince, error } = live.feed;
      if (error !== undefined || (idleSince !== null && idleSince < horizon)) {
        await this.#retire(key, live);
      }
    }
  }

  async #retire(key: string, live: LiveFeed): Promise<void> {
    await this.#stop(key, live);
    await dropQueryView(this.#store, live.relation);
  }

  async #stop(key: string, { source }: LiveFeed): Promise<void> {
    this.#live.delete(key);
    await closeSource(this.#capture, this.#relations, source);
  }

  /** Ends the readers of dropped relations and of whatever read them (materialize.md §2.6). */
  async drop(gone: readonly Relation[]): Promise<void> {
    const ids = new Set(gone.map((relation) => relation.id));
    for (const [key, live] of [...this.#live]) {
      const { relation } = live;
      const lost = ids.has(relation.id)
        ? relation
        : gone.find(({ id }) => relation.deps.includes(id));
      if (lost === undefined) continue;
      live.feed.fail(
        new EngineError('42704', `relation 'materialize.public.${lost.name}' was dropped`),
      );
      await this.#retire(key, live);
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

const isTemporal = ({ relation }: LiveFeed): boolean => relation.temporal;
