import type { Capture } from './capture.ts';
import { type Relations, storeTable } from './relation.ts';
import { type Cut, finishCut, markArrivals, SWEEP_PAGES, sweep } from './retention.ts';
import type { Store } from './store.ts';

/** What housekeeping needs from the engine around it. */
export interface HousekeepingHost {
  relations(): Relations;
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** Called within the turn, after rows were removed. */
  changed(): void;
}

/** From one checkpoint to the next, in ms. */
const CHECKPOINT_MS = 60_000;

/** A kept result is vacuumed when it has grown by half, and by so much at least. */
const GROWTH = 1.5;
const MIN_GROWTH_BYTES = 1_000_000;
/** Rows sampled for the planner, in 300s: at PostgreSQL's 100 everybody else waits 40 ms. */
const STATISTICS = 10;

/** PGlite has no background workers: this does in small turns what they would do. */
export class Housekeeping {
  readonly #store: Store;
  readonly #capture: Capture;
  readonly #host: HousekeepingHost;
  readonly #sizes = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #lastCheckpoint = performance.now();

  constructor(store: Store, capture: Capture, host: HousekeepingHost) {
    this.#store = store;
    this.#capture = capture;
    this.#host = host;
  }

  /** A round every `everyMs`; the next one starts so long after the last one ended. */
  start(everyMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.round()
        .catch((error: unknown) => {
          if (!this.#isStopped) throw error;
        })
        .finally(() => this.start(everyMs));
    }, everyMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Lets go of old rows, vacuums what has grown, writes a checkpoint now and then. */
  async round(): Promise<void> {
    const cuts = await this.#host.turn(() => markArrivals(this.#store, this.#host.relations()));
    for (const cut of cuts) await this.#make(cut);
    await this.#vacuum();
    if (performance.now() - this.#lastCheckpoint < CHECKPOINT_MS || this.#isStopped) return;
    this.#lastCheckpoint = performance.now();
    await this.#host.turn(() => this.#store.run('CHECKPOINT'));
  }

  async #make(cut: Cut): Promise<void> {
    for (let page = 0; page <= cut.pages; page += SWEEP_PAGES) {
      if (this.#isStopped) return;
      await this.#host.turn(async () => {
        if (this.#isDropped(cut)) return;
        await sweep(this.#store, this.#capture, cut, page);
        this.#host.changed();
      });
    }
    await this.#host.turn(async () => {
      if (!this.#isDropped(cut)) await finishCut(this.#store, cut);
    });
  }

  #isDropped(cut: Cut): boolean {
    return this.#host.relations().get(cut.table.id) === undefined;
  }

  async #vacuum(): Promise<void> {
    for (const relation of this.#host.relations().all()) {
      if (relation.method !== 'aggregate' && relation.method !== 'ivm') continue;
      if (this.#isStopped) return;
      const isVacuumed = await this.#host.turn(() => this.#vacuumGrown(relation.id));
      if (isVacuumed) await this.#host.turn(() => this.#analyze(relation.id));
    }
  }

  async #vacuumGrown(id: string): Promise<boolean> {
    if (this.#host.relations().get(id) === undefined) return false;
    const table = storeTable(id);
    const before = this.#sizes.get(id) ?? 0;
    const size = await this.#size(table);
    if (size < before * GROWTH || size < before + MIN_GROWTH_BYTES) return false;
    await this.#store.run(`VACUUM ${table}`);
    this.#sizes.set(id, await this.#size(table));
    return true;
  }

  async #analyze(id: string): Promise<void> {
    if (this.#isStopped || this.#host.relations().get(id) === undefined) return;
    await this.#store.transaction(async () => {
      await this.#store.run(`SET LOCAL default_statistics_target = ${STATISTICS}`);
      await this.#store.run(`ANALYZE ${storeTable(id)}`);
    });
  }

  async #size(table: string): Promise<number> {
    const [row] = await this.#store.query(`SELECT pg_total_relation_size('${table}')`);
    return Number(row?.[0]);
  }
}
