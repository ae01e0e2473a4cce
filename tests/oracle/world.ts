import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { FaultProxy } from './fault-proxy.ts';
import { Timeline } from './ledger.ts';
import { engineUrl, type Running, startEngine, startServer } from './processes.ts';
import type { Random } from './random.ts';
import { TABLES, VIEWS } from './schema.ts';
import { TxnCursor } from './txn-cursor.ts';
import { firstLoad, Workload } from './workload.ts';
import { Writer } from './writer.ts';

/** A server, and the proxy between it and the engine. */
export interface Serving {
  readonly name: string;
  readonly upstream: FaultProxy;
  running: Running | null;
}

/**
 * The real processes, the proxies between them, and the writer: one engine, some servers in front
 * of it, and one door through which clients reach any of the servers that live.
 */
export class World {
  readonly writer: Writer;
  readonly servers: readonly Serving[];
  readonly door: FaultProxy;
  readonly #timelines: Timeline[] = [];
  readonly #folder: string;
  readonly #failed: (error: Error) => void;
  #engine: Running | null = null;
  #cursor: TxnCursor | null = null;
  readonly #starts = new Set<Promise<Running>>();
  #isStopped = false;

  private constructor(
    folder: string,
    writer: Writer,
    servers: readonly Serving[],
    door: FaultProxy,
    failed: (error: Error) => void,
  ) {
    this.#folder = folder;
    this.writer = writer;
    this.servers = servers;
    this.door = door;
    this.#failed = failed;
  }

  /** Starts everything but the clients, with the first load written. */
  static async start(random: Random, failed: (error: Error) => void): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'viewcast-oracle-'));
    const enginePort = () => world.#engine?.port ?? null;
    const servers: Serving[] = [];
    for (const name of ['server A', 'server B']) {
      const upstream = await FaultProxy.open(enginePort, random.fork(name));
      servers.push({ name, upstream, running: null });
    }
    const doorRandom = random.fork('door');
    const door = await FaultProxy.open(() => {
      const living = servers.flatMap(({ running }) => running?.port ?? []);
      return living.length === 0 ? null : doorRandom.pick(living);
    }, doorRandom);
    const workload = new Workload(random.fork('workload'));
    const writer = new Writer(workload, random.fork('writer'));
    const world: World = new World(folder, writer, servers, door, failed);
    try {
      await world.openStore();
      await Promise.all(servers.map((server) => world.startServer(server)));
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** The stores that there were, the present one last. */
  get timelines(): readonly Timeline[] {
    return this.#timelines;
  }

  get timeline(): Timeline {
    const timeline = this.#timelines.at(-1);
    if (timeline === undefined) throw new Error('no store is open yet');
    return timeline;
  }

  /** Starts the engine on a new store, which is then loaded and written to. */
  async openStore(): Promise<void> {
    this.#timelines.at(-1)?.abandon();
    const timeline = new Timeline(this.#timelines.length);
    await this.#startEngine(timeline.name);
    await this.#createSchema();
    this.#timelines.push(timeline);
    await this.#openCursor(timeline, false);
    const store = { url: this.engineUrl, timeline };
    await this.writer.write(store, firstLoad);
    this.writer.resume(store);
  }

  /** Starts the engine again on the store that it had. */
  async reopenStore(): Promise<void> {
    const { timeline } = this;
    await this.#startEngine(timeline.name);
    await this.#openCursor(timeline, true);
    this.writer.resume({ url: this.engineUrl, timeline });
  }

  /** Kills the engine in the middle of whatever it does. */
  async killEngine(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.process.kill();
    await this.writer.suspend();
    await this.#cursor?.ended();
    this.#cursor = null;
  }

  signalEngine(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#engine?.process.signal(signal);
  }

  get engineUrl(): string {
    if (this.#engine === null) throw new Error('the engine is not running');
    return engineUrl(this.#engine.port);
  }

  async startServer(server: Serving): Promise<void> {
    server.running = await this.#start((died) =>
      startServer(server.name, server.upstream.port, died),
    );
  }

  async killServer(server: Serving): Promise<void> {
    const { running } = server;
    server.running = null;
    await running?.process.kill();
  }

  /** What the processes logged last, for people. */
  logs(): string {
    const processes = [this.#engine, ...this.servers.map(({ running }) => running)];
    return processes.map((each) => each?.process.lastLines() ?? '').join('\n---\n');
  }

  /** Ends everything, also what a fault is just about to start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.writer.stop();
    await Promise.allSettled(this.#starts);
    this.#cursor?.close();
    await Promise.all(this.servers.map((server) => this.killServer(server)));
    const engine = this.#engine;
    this.#engine = null;
    await engine?.process.kill();
    for (const { upstream } of this.servers) upstream.close();
    this.door.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #startEngine(store: number): Promise<void> {
    const folder = join(this.#folder, `store-${store}`);
    this.#engine = await this.#start((died) => startEngine(folder, died));
  }

  /** Starts a process, which `stop` waits for. */
  async #start(begin: (died: (what: string) => void) => Promise<Running>): Promise<Running> {
    if (this.#isStopped) throw new Error('the world is stopped');
    const start = begin((what) => this.#failed(new Error(what)));
    this.#starts.add(start);
    try {
      const running = await start;
      if (!this.#isStopped) return running;
      await running.process.kill();
      throw new Error('the world was stopped meanwhile');
    } finally {
      this.#starts.delete(start);
    }
  }

  async #createSchema(): Promise<void> {
    const client = new pg.Client({ connectionString: this.engineUrl });
    await client.connect();
    try {
      for (const table of TABLES) await client.query(table);
      for (const { name, query } of VIEWS) {
        await client.query(`CREATE MATERIALIZED VIEW ${name} AS ${query}`);
      }
    } finally {
      await client.end();
    }
  }

  async #openCursor(timeline: Timeline, isReopened: boolean): Promise<void> {
    const failed = this.#failed;
    this.#cursor = await TxnCursor.open(this.engineUrl, timeline, { isReopened, failed });
  }
}
