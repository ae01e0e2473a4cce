import { Worker } from 'node:worker_threads';
import type { Config } from './config.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { memoryOf, shedUnderPressure } from './memory-shedding.ts';
import { followViews, type Log, type Running } from './pipeline.ts';
import { listen, makeApp } from './uws.ts';
import type { WorkerData } from './worker.ts';
import type { Parts } from './workers/gathering.ts';
import type { FromWorker, Question, ToWorker } from './workers/message.ts';
import { Pool, type PoolParts } from './workers/pool.ts';
import { type FedViews, ViewFeed } from './workers/view-feed.ts';
import { WholeMetrics } from './workers/whole-metrics.ts';

/** Views served by worker threads. */
export interface Threads {
  readonly port: number;
  /** Whether all threads that serve answer. */
  alive(): Promise<boolean>;
  drain(drainMs: number, done: () => void): void;
  /** Ends all threads; the process may end when it resolves, and not before. */
  close(): Promise<void>;
}

/** A thread as the pool speaks with it; {@link startWorker} by default. */
export type Spawn = (data: WorkerData, hear: Parameters<PoolParts['spawn']>[1]) => SpawnedPort;
type SpawnedPort = ReturnType<PoolParts['spawn']>;

/**
 * Serves views by `config.workers` threads on one port; the upstream stays with this one.
 *
 * @throws {ListenError} when another program has the port.
 */
export async function serveThreads(
  views: FedViews,
  config: Config,
  log: Log,
  spawn: Spawn = startWorker,
): Promise<Threads> {
  const port = findPort(config.host, config.port);
  const feed = new ViewFeed(views, (run) => setImmediate(run));
  const metrics = new WholeMetrics();
  const limit = new ConnectionLimit(config.connectionsPerAddress);
  const pool = new Pool({
    count: config.workers,
    spawn: (number, hear) => spawn({ config: { ...config, port }, number }, hear),
    join: (reader) => feed.join(reader),
    enter: (address) => limit.enter(address),
    combine: (question, parts) => combine(metrics, question, parts),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    lost: (worker) => {
      log.error({ worker }, 'a worker ended; another takes its place and its viewers reconnect');
      metrics.lost(worker);
    },
  });
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    feed.stop();
    closed ??= pool.close();
    return closed;
  };
  try {
    await pool.started;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    alive: () => pool.alive(),
    drain: (drainMs, done) => pool.drain(drainMs, done),
    close,
  };
}

/** Follows the upstream's views by this thread and serves them by others. */
export async function startThreads(config: Config, log: Log): Promise<Running> {
  const { upstream, budget, views } = followViews(config, log);
  try {
    const threads = await serveThreads(views, config, log);
    // The workers' gates, viewers and mirrors are theirs to shed.
    const stopShedding = shedUnderPressure(memoryOf(config, log), {
      limitHistory: (share) => budget.take(share),
    });
    return {
      ...threads,
      upstream,
      close: async () => {
        stopShedding();
        views.stop();
        await threads.close();
      },
    };
  } catch (error) {
    views.stop();
    throw error;
  }
}

/** The port to share, which no other program has at this moment. */
function findPort(host: string, port: number): number {
  const app = makeApp();
  const listening = listen(app, host, port);
  listening.stop();
  app.close();
  return listening.port;
}

/** Starts a thread. */
export const startWorker: Spawn = (data, hear) => {
  const url = new URL('./worker.ts', import.meta.url);
  const worker = new Worker(url, { workerData: data, execArgv: [] });
  worker.on('message', (message: FromWorker) => hear.message(message));
  // What it died of stands in its own log, or was thrown before it had one.
  worker.on('error', (error) => hear.message({ kind: 'failed', message: error.message }));
  worker.once('exit', () => hear.ended());
  return { post: (message: ToWorker) => worker.postMessage(message) };
};

function combine(metrics: WholeMetrics, question: Question, parts: Parts): unknown {
  if (question === 'metrics') return metrics.text(parts);
  const viewers = new Map<string, number>();
  for (const part of parts.values()) {
    if (!(part instanceof Map)) continue;
    for (const [view, many] of part) viewers.set(view, (viewers.get(view) ?? 0) + many);
  }
  return viewers;
}
