import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Timeline } from './ledger.ts';
import type { Random } from './random.ts';
import { TXN } from './schema.ts';
import { committedStatements, type Plan, type Workload } from './workload.ts';

/** What the writer is told by whoever runs the engine. */
export interface Store {
  readonly url: string;
  readonly timeline: Timeline;
}

/** Longest pause between two bursts of transactions. */
const MOST_REST_MS = 150;
/** After a loss, until somebody says that the engine is gone. */
const LOSS_MS = 10;

/**
 * The one writer: random transactions, one after the other, for as long as there is an engine. It
 * begins each in the timeline before it asks for its commit, so that nothing can be there unknown.
 */
export class Writer {
  readonly #workload: Workload;
  readonly #random: Random;
  #store: Store | null = null;
  #client: pg.Client | null = null;
  #lastNumber = 0;
  /** Resolves what waits for a store. */
  #wake: () => void = () => {};
  #idle: Promise<void> = Promise.resolve();
  #isHurried = false;
  #isStopped = false;

  constructor(workload: Workload, random: Random) {
    this.#workload = workload;
    this.#random = random;
  }

  /** The engine is there: go on. */
  resume(store: Store): void {
    this.#store = store;
    this.#isHurried = false;
    this.#wake();
  }

  /** The engine is about to be killed: write without a rest, and take losses as they come. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** The engine is gone: nothing more; what was under way has its end after this. */
  async suspend(): Promise<void> {
    this.#store = null;
    await this.#idle;
    this.#drop();
  }

  /** Writes one last transaction, and stops. */
  async finish(store: Store, plan: Plan): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#idle;
    await this.write(store, plan);
  }

  stop(): void {
    this.#isStopped = true;
    this.#store = null;
    this.#wake();
    this.#drop();
  }

  /** Writes until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      const store = this.#store;
      if (store === null) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const burst = this.#random.chance(0.3) ? this.#random.integer(2, 8) : 1;
      for (let n = 0; n < burst && !this.#isStopped && this.#store === store; n++) {
        await this.write(store, this.#workload.next());
      }
      const restMs = this.#random.integer(0, MOST_REST_MS);
      if (!this.#isHurried) await sleep(restMs);
    }
  }

  /** Writes one transaction; returns when its end is known, or the engine gone. */
  async write(store: Store, plan: Plan): Promise<void> {
    const work = this.#transaction(store, plan);
    this.#idle = work.catch(() => {});
    try {
      await work;
    } catch (error) {
      this.#drop();
      // The timeline is told later what became of it.
      if (!this.#isHurried && this.#store === store) throw error;
      if (this.#store === store) await sleep(LOSS_MS);
    }
  }

  async #transaction({ url, timeline }: Store, plan: Plan): Promise<void> {
    const client = await this.#connected(url);
    this.#lastNumber++;
    const n = this.#lastNumber;
    if (plan.end === 'alone') {
      timeline.begin(n, plan);
      await client.query(`INSERT INTO ${TXN} VALUES (${n})`);
      timeline.acknowledge(n);
      return;
    }
    await client.query('BEGIN');
    for (const statement of committedStatements(plan, n)) await client.query(statement);
    if (plan.end === 'commit') {
      timeline.begin(n, plan);
      await client.query('COMMIT');
      timeline.acknowledge(n);
      return;
    }
    if (plan.end === 'error') await mustFail(client, 'SELECT 1 / 0');
    await client.query(plan.end === 'error' ? 'COMMIT' : 'ROLLBACK');
  }

  async #connected(url: string): Promise<pg.Client> {
    if (this.#client !== null) return this.#client;
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    this.#client = client;
    return client;
  }

  #drop(): void {
    this.#client?.connection.stream.destroy();
    this.#client = null;
  }
}

async function mustFail(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (error instanceof pg.DatabaseError) return;
    throw error;
  }
  throw new Error(`expected ${statement} to fail`);
}
