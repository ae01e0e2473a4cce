import { join } from 'node:path';
import { pino } from 'pino';
import { logSink } from '../logging/log-sink.ts';
import { type EngineConfig, readConfig } from './config.ts';
import { Core } from './core.ts';
import { ClientAccess } from './kafka/client-access.ts';
import type { SourceNotice } from './kafka/sources.ts';
import { type Listener, listen } from './listener.ts';

/** The engine's process: opens the store, listens, and ends when it is told to or left alone. */

const HEARTBEAT_MS = 1000;
/** A clean end takes no longer; what is committed is safe anyway. */
const CLOSE_MS = 1800;

const config = readConfig(process.env);
if (isComplaint(config)) {
  for (const complaint of config) console.error(complaint);
  process.exit(2);
}
const log = pino({ name: 'engine', level: config.logLevel }, logSink);
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

let core: Core | undefined;
let listener: Listener | undefined;
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(signal));
process.on('disconnect', () => end('the parent is gone'));

try {
  await start(config);
} catch (error) {
  fatal(error);
}

async function start({ host, port, store, line }: EngineConfig): Promise<void> {
  const templateFolder = join(import.meta.dirname, '..', '.cache');
  core = await Core.open({
    folder: store,
    templateFolder,
    line,
    kafka: new ClientAccess(log),
    onSource: tellSource,
  });
  listener = await listen(core, {
    host,
    port,
    line,
    onBug: (error) => log.error(error, 'a session met a bug'),
  });
  log.info({ host, port: listener.port, store, identity: core.identity }, 'the engine is ready');
  process.send?.({ type: 'ready', port: listener.port, identity: core.identity });
  if (process.send !== undefined) {
    setInterval(() => process.send?.({ type: 'heartbeat' }), HEARTBEAT_MS).unref();
  }
}

function tellSource(notice: SourceNotice): void {
  const { table } = notice;
  if (notice.kind === 'gap') {
    const { partition, from, to } = notice;
    log.error(
      `${table}: the topic no longer keeps the offsets ${from} to ${to - 1n} of partition ${partition}; reading goes on after them`,
    );
    return;
  }
  const { state } = notice;
  if (state.kind === 'stopped') log.error(`${table} is no longer read: ${state.reason}`);
  else if (state.kind === 'waiting') log.warn(`${table} waits: ${state.reason}`);
  else log.info(`${table} is ${state.kind}`);
}

function isComplaint(value: EngineConfig | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}

function end(reason: string): void {
  if (isEnding) return;
  isEnding = true;
  log.info({ reason }, 'the engine ends');
  setTimeout(() => process.exit(0), CLOSE_MS).unref();
  void close().then(
    () => process.exit(0),
    (error: unknown) => fatal(error),
  );
}

async function close(): Promise<void> {
  await listener?.close();
  await core?.close();
}

function fatal(error: unknown): void {
  log.fatal(sentence(error, config));
  if (log.isLevelEnabled('debug')) log.debug(error, 'where it happened');
  process.exit(1);
}

/** What to do about it, where that is known. */
function sentence(error: unknown, told: typeof config): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE' && !isComplaint(told)) {
    return `port ${told.port} on ${told.host} is in use: stop what listens there, or choose another by VIEWCAST_SQL_PORT`;
  }
  return error instanceof Error ? error.message : String(error);
}
