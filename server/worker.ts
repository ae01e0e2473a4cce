/**
 * What a worker thread runs: a server like that of the main thread, over views that the main
 * thread holds and tells of.
 */
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { logSink } from '../logging/log-sink.ts';
import { type AdmissionLimits, defaultAdmissionLimits } from './admission.ts';
import { openAuthorizer } from './auth/settings.ts';
import { machineClock } from './clock.ts';
import type { Config } from './config.ts';
import { messageOf } from './errors.ts';
import { memoryOf } from './memory-shedding.ts';
import { openMessageOptions } from './message-options.ts';
import type { Serving, WholeServer } from './serve-options.ts';
import { serveViews } from './serve-views.ts';
import { DEFAULT_LIMITS, History } from './view/history.ts';
import { HistoryBudget } from './view/history-budget.ts';
import type { FromWorker, Question, ToWorker } from './workers/message.ts';
import { MirrorViews } from './workers/mirror-views.ts';
import { Whole } from './workers/whole.ts';

/** What a worker is started with; its configuration names the very port. */
export interface WorkerData {
  readonly config: Config;
  readonly number: number;
}

const CRASH = 1;

if (parentPort === null) throw new Error('expected to run as a worker thread of server/main.ts');
const port = parentPort;
const { config, number }: WorkerData = workerData;
const log = pino({ name: `server/${number}`, level: config.logLevel }, logSink);
const post = (message: FromWorker): void => port.postMessage(message);
const budget = new HistoryBudget(DEFAULT_LIMITS);
const views = new MirrorViews((start) => new History(start, budget));
const whole = new Whole(post);
let serving: Serving | null = null;

/** Thread and process end together unless every socket is closed first: uWebSockets aborts. */
function end(code: number): void {
  serving?.close();
  port.close();
  // The library closes what was open in the loop's next turns.
  setImmediate(() => setImmediate(() => process.exit(code)));
}

process.on('uncaughtException', (error) => {
  log.error({ err: error }, 'a worker made a mistake; another takes its place');
  end(CRASH);
});

/** Places to come in are shared evenly, as connections are. */
function shareOf(limits: AdmissionLimits, workers: number): AdmissionLimits {
  const share = (many: number) => Math.ceil(many / workers);
  return {
    ...limits,
    snapshots: share(limits.snapshots),
    resumes: share(limits.resumes),
    handshakesPerSecond: share(limits.handshakesPerSecond),
    waiting: share(limits.waiting),
  };
}

const wholeServer: WholeServer = {
  enter: (address) => whole.enter(address),
  metrics: {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: async () => String(await whole.ask('metrics')),
  },
  viewers: async () => {
    const viewers = await whole.ask('viewers');
    return viewers instanceof Map ? viewers : new Map();
  },
};

const verifier = config.auth === null ? null : await openAuthorizer(config.auth, machineClock);
const messages = await openMessageOptions(config, log);

function serve(): void {
  try {
    serving = serveViews(views, {
      ...config,
      access: {
        verifier,
        querySeconds: config.authQuerySeconds,
        limits: shareOf(defaultAdmissionLimits, config.workers),
      },
      memory: memoryOf(config, log),
      messages,
      limitHistory: (share) => budget.take(share),
      whole: wholeServer,
      failed: (path, error) => log.error({ path, err: error }, 'a request failed'),
    });
    post({ kind: 'listening' });
  } catch (error) {
    post({ kind: 'failed', message: messageOf(error) });
    end(CRASH);
  }
}

/** This worker's part of what all are asked. */
async function partOf(question: Question): Promise<unknown> {
  switch (question) {
    case 'metrics':
      return await serving?.own.metrics();
    case 'viewers':
      return serving?.own.viewers();
    case 'alive':
      return true;
  }
}

function hear(message: ToWorker): void {
  switch (message.kind) {
    case 'events':
      views.take(message.texts);
      // The first are the views handed over: from now on this worker knows what it serves.
      if (serving === null) serve();
      break;
    case 'gather': {
      const said = (part: unknown) => post({ kind: 'gathered', id: message.id, part });
      partOf(message.question).then(said, () => said(undefined));
      break;
    }
    case 'drain':
      if (serving === null) post({ kind: 'drained' });
      else serving.drain(message.drainMs, () => post({ kind: 'drained' }));
      break;
    case 'close':
      end(0);
      break;
    default:
      whole.hear(message);
  }
}

port.on('message', hear);
post({ kind: 'hello' });
