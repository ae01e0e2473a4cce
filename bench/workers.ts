/**
 * What it costs the main thread to hand a tick's batches to worker threads: `node bench/workers.ts`
 * prints CPU microseconds per tick of the main thread alone, for 1, 2 and 3 workers and several
 * sizes of a tick. The workers apply what they are handed and do nothing else.
 */
import { availableParallelism, cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { View } from '../server/view/view.ts';
import { encodeEvents } from '../server/workers/pack.ts';
import { ViewFeed } from '../server/workers/view-feed.ts';

const TICKS = 500;
const WARM_UP_TICKS = 100;
const ROUNDS = 5;
/** Views times rows changed (each −1 and +1) in one tick. */
const SIZES = [
  { views: 1, rows: 1 },
  { views: 4, rows: 10 },
  { views: 16, rows: 10 },
  { views: 1, rows: 200 },
] as const;
const RELATION = { identity: 'bench', object: 'u1', columns: [{ name: 'user', type: 'text' }] };

const WORKER = `
  import { parentPort } from 'node:worker_threads';
  import { History } from '${new URL('../server/view/history.ts', import.meta.url)}';
  import { MirrorViews } from '${new URL('../server/workers/mirror-views.ts', import.meta.url)}';
  const views = new MirrorViews((start) => new History(start));
  parentPort.on('message', (message) => {
    if (message === 'ping') parentPort.postMessage('pong');
    else views.take(message);
  });
`;

function startWorker(): Worker {
  const url = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
  return new Worker(url, { execArgv: [] });
}

/** Resolves when the worker has applied all that it was handed. */
const caughtUp = (worker: Worker): Promise<void> =>
  new Promise((resolve) => {
    worker.once('message', () => resolve());
    worker.postMessage('ping');
  });

const row = (view: number, number: number, version: number) =>
  `["User ${view} with a name ${number}",${version}]`;

/** Microseconds of this thread per tick. */
async function measure(workers: readonly Worker[], size: (typeof SIZES)[number]): Promise<number> {
  const views = Array.from({ length: size.views }, (_, n) => new View(`view ${n}`));
  const turn: (() => void)[] = [];
  const source = { discovered: true, all: () => views, watch: () => () => {} };
  const feed = new ViewFeed(source, (run) => turn.push(run));
  for (const worker of workers) feed.join((texts) => worker.postMessage(texts));
  let now = 1_000_000;
  let handingNs = 0n;
  for (let tick = 0; tick < WARM_UP_TICKS + TICKS; tick++) {
    for (const [at, view] of views.entries()) {
      if (tick === 0) view.start(RELATION, { snapshot: true, caughtUpAbove: null });
      for (let number = 0; number < size.rows; number++) {
        if (tick > 0) view.update({ row: row(at, number, tick - 1), time: now, diff: -1 });
        view.update({ row: row(at, number, tick), time: now, diff: 1 });
      }
      view.progress(now + 1);
    }
    now += 1;
    const before = process.hrtime.bigint();
    for (const run of turn.splice(0)) run();
    if (tick >= WARM_UP_TICKS) handingNs += process.hrtime.bigint() - before;
    // Handed far more than it can take, a worker's queue would be measured instead.
    if (tick % 20 === 0) await Promise.all(workers.map(caughtUp));
  }
  feed.stop();
  for (const view of views)
    for (const worker of workers) {
      worker.postMessage([encodeEvents([{ kind: 'removed', name: view.name }])]);
    }
  await Promise.all(workers.map(caughtUp));
  return Number(handingNs) / 1_000 / TICKS;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(`µs of the main thread per tick, median of ${ROUNDS} rounds of ${TICKS} ticks`);
for (const size of SIZES) {
  const figures: string[] = [];
  for (const count of [1, 2, 3]) {
    const workers = Array.from({ length: count }, startWorker);
    await Promise.all(workers.map(caughtUp));
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(workers, size));
    figures.push(`${count}: ${median(rounds).toFixed(1)}`);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  console.log(`${size.views} views x ${size.rows} rows  workers ${figures.join('  ')}`);
}
