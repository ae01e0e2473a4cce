import process from 'node:process';
import pino from 'pino';
import { z } from 'zod';
import { logSink } from '../logging/log-sink.ts';
import manifest from '../package.json' with { type: 'json' };
import { helpText, readConfig } from './config.ts';
import { Health, serveHealth } from './health.ts';
import { RecordingError } from './recording.ts';
import type { IngestMessage } from './report.ts';
import { run } from './run.ts';
import { systemClock } from './system-clock.ts';

/** After a signal the process is gone within this, even when the engine does not answer. */
const longestStopMs = 1_500;

const { version, homepage } = z
  .object({ version: z.string(), homepage: z.string().optional() })
  .parse(manifest);

function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    controller.abort();
    setTimeout(() => process.exit(0), longestStopMs).unref();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  return controller.signal;
}

function sendToParent(message: IngestMessage): void {
  // A parent that is gone is told by `disconnect`; the callback keeps the write from throwing.
  process.send?.(message, () => {});
}

async function main(): Promise<number> {
  const result = readConfig(process.argv.slice(2), process.env);
  if (result.kind === 'help') {
    process.stdout.write(helpText);
    return 0;
  }
  if (result.kind === 'errors') {
    for (const error of result.errors) process.stderr.write(`stream-ingest: ${error}.\n`);
    return 2;
  }
  const { config } = result;
  const log = pino({ name: 'stream-ingest', level: config.logLevel }, logSink);
  const forked = process.send !== undefined;
  const health = new Health();
  try {
    if (config.healthPort !== null) {
      await serveHealth(health, { host: '127.0.0.1', port: config.healthPort });
    }
    await run(config, stopOnSignals(), {
      log,
      health,
      send: forked ? sendToParent : null,
      terminal: !forked && process.stderr.isTTY ? process.stderr : null,
      clock: systemClock,
      random: Math.random,
      version,
      homepage: homepage ?? null,
      nodeVersion: process.versions.node,
    });
    return 0;
  } catch (error) {
    // A parent names its children itself.
    const name = forked ? '' : 'stream-ingest: ';
    process.stderr.write(`${name}${error instanceof Error ? error.message : String(error)}\n`);
    log.debug({ err: error });
    // A file that cannot be used is a bad setting: to start again cannot help.
    return error instanceof RecordingError ? 2 : 1;
  }
}

process.exitCode = await main();
// The channel to the parent would keep the process alive; what was sent goes out first.
if (process.connected) process.disconnect();
