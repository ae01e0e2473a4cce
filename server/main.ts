import process from 'node:process';
import pino from 'pino';
import { logSink } from '../logging/log-sink.ts';
import { openAuthorizer } from './auth/settings.ts';
import { machineClock } from './clock.ts';
import { readConfig } from './config.ts';
import { messageOf, UpstreamError } from './errors.ts';
import { openMessageOptions } from './message-options.ts';
import { HELP, parseOptions } from './options.ts';
import { type Running, startPipeline } from './pipeline.ts';
import { startThreads } from './threads.ts';

/** A sign of life to the parent process. */
const HEARTBEAT_MS = 1_000;
const TROUBLE = 1;
const MISUSE = 2;

function fail(message: string, code: number): never {
  process.stderr.write(`viewcast server: ${message}\n`);
  process.exit(code);
}

const parsed = parseOptions(process.argv.slice(2), process.env);
if (parsed.kind === 'invalid') fail(parsed.problem, MISUSE);
if (parsed.kind === 'help') {
  process.stdout.write(HELP);
  process.exit(0);
}
const result = readConfig(parsed.environment);
if (result.kind === 'errors') {
  fail(result.errors.map(parsed.naming).join('\nviewcast server: '), MISUSE);
}
const { config } = result;
const log = pino({ name: 'server', level: config.logLevel }, logSink);

async function start(): Promise<Running> {
  try {
    const { auth, workers } = config;
    const verifier = auth === null ? null : await openAuthorizer(auth, machineClock);
    if (workers > 1) return await startThreads(config, log);
    return startPipeline(config, log, verifier, await openMessageOptions(config, log));
  } catch (error) {
    return fail(messageOf(error), TROUBLE);
  }
}

const serving = await start();
const end = async (code: number): Promise<void> => {
  await serving.close();
  process.exit(code);
};
const stop = () => void end(0);
process.once('SIGINT', stop);
process.once('disconnect', stop);
let draining = false;
process.on('SIGTERM', () => {
  if (draining) return;
  draining = true;
  log.info({ drainMs: config.drainMs }, 'stopping: viewers are sent away');
  serving.drain(config.drainMs, stop);
});

// A lost upstream is tried again for ever, but one of another kind never becomes the right one.
serving.upstream.check().catch(async (error: unknown) => {
  if (error instanceof UpstreamError && error.code === 'NOT_MATERIALIZE') {
    process.stderr.write(`viewcast server: ${error.message}\n`);
    await end(TROUBLE);
  }
  log.warn({ err: error }, `the upstream does not answer yet: ${messageOf(error)}`);
});

log.info({ host: config.host, port: serving.port }, `http://${config.host}:${serving.port}`);
process.send?.({ type: 'ready', port: serving.port });
// A thread that hangs cannot be ended alone, so whoever started this process hears nothing then.
const beat = async (): Promise<void> => {
  if ((await serving.alive()) && process.connected) process.send?.({ type: 'heartbeat' });
};
if (process.connected) setInterval(() => void beat(), HEARTBEAT_MS).unref();
