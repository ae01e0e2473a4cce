import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from './capture.ts';
import { StoreCatalog } from './catalog.ts';
import { prepareSchemas, readMeta, writeFloor } from './catalog-schema.ts';
import { LogicalClock } from './clock.ts';
import {
  type Catalog,
  type Emit,
  type Engine,
  EngineError,
  type Settings,
  type SubscribeRequest,
  type Subscription,
  type Transaction,
  type Unit,
} from './engine.ts';
import { Feeds } from './feeds.ts';
import { GroupCommit } from './group-commit.ts';
import { Housekeeping } from './housekeeping.ts';
import type { KafkaAccess } from './kafka/access.ts';
import { createKafka } from './kafka/create.ts';
import { type SourceNotice, Sources } from './kafka/sources.ts';
import { writeRetention } from './retention.ts';
import type { Line } from './session/line.ts';
import { SessionSettings } from './session-settings.ts';
import { rewriteStatements, type StatementEffects } from './statement-effects.ts';
import { Store } from './store.ts';
import { Ticker } from './ticker.ts';
import { TimeFloor } from './time-floor.ts';
import { Turns } from './turns.ts';
import { WriteTransaction } from './write-transaction.ts';

export interface EngineOptions {
  /** The store's folder; undefined keeps everything in memory, for tests. */
  readonly folder: string | undefined;
  readonly templateFolder?: string | undefined;
  /** The line of Materialize whose catalogue it shows; the newer one by default. */
  readonly line?: Line | undefined;
  /** Wall clock in ms since the epoch. */
  readonly wall?: (() => number) | undefined;
  /** From the end of a tick to the next at the earliest, in ms; a change after a rest waits for nothing. */
  readonly tickMs?: number | undefined;
  /** How long a quiet feed waits between progress rows, in ms. */
  readonly idleMs?: number | undefined;
  /** How long a relation is captured after its last reader left, in ms. */
  readonly lingerMs?: number | undefined;
  /** How far back AS OF reaches. */
  readonly historyMs?: number | undefined;
  readonly historyBytes?: number | undefined;
  /** How many times as long as they took re-evaluations are followed by rest; default 3. */
  readonly restFactor?: number | undefined;
  /** From one look at retention, bloat and the log to the next, in ms. */
  readonly housekeepingMs?: number | undefined;
  /** How Kafka and registries are reached; without it no table can be read from a topic. */
  readonly kafka?: KafkaAccess | undefined;
  /** Told how the tables that are read from topics fare. */
  readonly onSource?: ((notice: SourceNotice) => void) | undefined;
}

/** The engine over one store (embedded/engine.ts), and its end. */
export class Core implements Engine {
  readonly identity: string;
  readonly catalog: Catalog;
  readonly #store: Store;
  readonly #turns = new Turns();
  readonly #relations: StoreCatalog;
  readonly #feeds: Feeds;
  readonly #clock: LogicalClock;
  readonly #groups: GroupCommit;
  readonly #settings: SessionSettings;
  readonly #housekeeping: Housekeeping;
  readonly #sources: Sources;
  readonly #floor: TimeFloor;
  readonly #ticker: Ticker;
  #isOpen = false;
  #isClosing = false;

  /** Opens the store and everything over it.
   *
   * @throws {Error} in a clear sentence when the folder is locked or cannot be written.
   */
  static async open(options: EngineOptions): Promise<Core> {
    const store = await Store.open(options);
    try {
      const identity = await prepareSchemas(store, options.line ?? 'subscribe');
      const floor = Number(await readMeta(store, 'floor'));
      const core = new Core(store, identity, floor, options);
      await core.#relations.open();
      core.#isOpen = true;
      core.#sources.settle();
      return core;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(store: Store, identity: string, floor: number, options: EngineOptions) {
    const wall = options.wall ?? Date.now;
    const capture = new Capture(store);
    this.identity = identity;
    this.#store = store;
    this.#clock = new LogicalClock(floor, wall);
    this.#floor = new TimeFloor(floor, this.#clock, (time) => writeFloor(store, time));
    this.#settings = new SessionSettings(store);
    this.#relations = new StoreCatalog(store, capture, {
      turn: (work) => this.#ownTurn(work),
      changed: (gone) => this.#relationsChanged(gone),
      now: () => this.#clock.next(),
    });
    this.#feeds = new Feeds(store, capture, this.#clock, {
      history: {
        maxAgeMs: options.historyMs ?? 300_000,
        maxBytes: options.historyBytes ?? 64 * 1024 * 1024,
      },
      lingerMs: options.lingerMs ?? 300_000,
      restFactor: options.restFactor ?? 3,
      temporalMs: options.idleMs ?? 1000,
      relations: () => this.#relations.current,
      wall,
    });
    this.#ticker = new Ticker({
      feeds: this.#feeds,
      floor: this.#floor,
      turn: (work) => this.#ownTurn(work),
      tickMs: options.tickMs ?? 20,
      idleMs: options.idleMs ?? 1000,
    });
    this.#groups = new GroupCommit({
      relations: () => this.#relations.current,
      turn: (work) => this.#ownTurn(work),
      execute: (frames, emit) => this.#store.execute(frames, emit),
      committed: () => this.#ticker.changed(),
    });
    this.#housekeeping = new Housekeeping(store, capture, {
      relations: () => this.#relations.current,
      turn: (work) => this.#ownTurn(work),
      changed: () => this.#ticker.changed(),
    });
    this.#sources = new Sources(
      store,
      {
        relations: () => this.#relations.current,
        turn: (work) => this.#ownTurn(work),
        committed: () => this.#ticker.changed(),
      },
      {
        access: options.kafka ?? null,
        onNotice: options.onSource ?? (() => {}),
        sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
        random: Math.random,
      },
    );
    this.catalog = catalogOf(this.#relations, this.#sources);
    this.#housekeeping.start(options.housekeepingMs ?? 5000);
  }

  async autocommit(unit: Unit, settings: Settings, emit: Emit): Promise<void> {
    if (await this.#groups.offer(unit, settings, emit)) return;
    await this.#turns.run(async () => {
      await this.#settings.apply(settings);
      const { frames, effects } = rewriteStatements(unit.frames);
      await this.#store.execute(frames, emit);
      await this.#afterStatements(effects);
    });
  }

  begin(settings: Settings): Promise<Transaction> {
    return new Promise((opened, failed) => {
      const held = this.#turns.run(async () => {
        await this.#settings.apply(settings);
        await this.#store.run('BEGIN');
        await new Promise<void>((ended) => {
          opened(
            new WriteTransaction(this.#store, async (effects) => {
              await this.#afterStatements(effects);
              ended();
            }),
          );
        });
      });
      held.catch(failed);
    });
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    return this.#ownTurn(() => this.#ticker.publishing(() => this.#feeds.subscribe(request)));
  }

  async now(): Promise<bigint> {
    return this.#ownTurn(async () => {
      await this.#ticker.tick();
      return BigInt(this.#clock.frontier - 1);
    });
  }

  /** Ends all subscriptions and writes everything to the folder. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#ticker.stop();
    this.#housekeeping.stop();
    await this.#sources.stop();
    this.#feeds.failAll(new EngineError('57P01', 'the engine is shutting down'));
    await this.#turns.run(async () => {
      await this.#store.run('ROLLBACK');
      await this.#floor.settle();
      await this.#store.close();
    });
  }

  /** A turn for the engine's own work, under its own settings. */
  #ownTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      await this.#settings.apply(new Map());
      return work();
    });
  }

  async #afterStatements(effects: StatementEffects): Promise<void> {
    this.#ticker.changed();
    if (!effects.changesRelations) return;
    await this.#settings.apply(new Map());
    await this.#relations.adoptTables(effects.sql);
    for (const { table, retention } of effects.retentions) {
      const relation = this.#relations.current.named(table);
      if (relation?.method === 'table') await writeRetention(this.#store, relation, retention);
    }
    if (effects.retentions.length > 0) await this.#relations.open();
  }

  async #relationsChanged(gone: Parameters<Feeds['drop']>[0]): Promise<void> {
    this.#ticker.changed();
    if (this.#isOpen && !this.#isClosing) this.#sources.settle();
    await this.#feeds.drop(gone);
  }
}

/** The catalogue of relations together with those that are read from topics. */
function catalogOf(relations: StoreCatalog, sources: Sources): Catalog {
  return {
    createView: (request) => relations.createView(request),
    createKafka: (request) => createKafka(relations, sources, request),
    drop: (request) => relations.drop(request),
    columns: (relation) => relations.columns(relation),
    relations: async () => relations.list((relation) => sources.stateOf(relation)),
  };
}
