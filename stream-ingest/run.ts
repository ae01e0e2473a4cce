import type { Logger } from 'pino';
import type { Arrival, Clock } from './arrival.ts';
import type { IngestConfig, InputConfig, OutputConfig } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { generate } from './generate.ts';
import type { Health } from './health.ts';
import { ingest, noCounts } from './ingest.ts';
import { KnownIds } from './known-ids.ts';
import { readLive } from './live.ts';
import { openSink } from './open-sink.ts';
import { Recorder, recorded } from './recorder.ts';
import { countEvents, describeRecording, parseReplayPosition, replay } from './replay.ts';
import { type IngestMessage, Report } from './report.ts';
import type { Sink, Stored } from './sink.ts';
import { userAgent } from './user-agent.ts';

/** What the process gives to a run. */
export interface Surroundings {
  readonly log: Logger;
  readonly health: Health | null;
  readonly send: ((message: IngestMessage) => void) | null;
  readonly terminal: NodeJS.WriteStream | null;
  readonly clock: Clock;
  readonly random: () => number;
  /** viewcast's own, for the User-Agent. */
  readonly version: string;
  /** The contact of those who gave none. */
  readonly homepage: string | null;
  readonly nodeVersion: string;
}

/** All that the steps of one run share. */
interface Run extends Surroundings {
  readonly sink: Sink;
  readonly report: Report;
  /** Null where nobody asked for them. */
  readonly deadLetters: DeadLetters | null;
  /** Aborts when the caller's signal does, and when something failed. */
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}

/**
 * Feeds the configured input into the engine or Kafka: to its end (a recording), or until the signal aborts.
 *
 * @throws {StoreError | RecordingError} when it cannot go on, with a sentence for people.
 */
export async function run(
  { output, input }: IngestConfig,
  signal: AbortSignal,
  around: Surroundings,
): Promise<void> {
  const label = input.kind === 'recorded' ? (await describeRecording(input.file)).day : '';
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const { log, health, send, terminal, clock, random } = around;
  const report = new Report({
    kind: input.kind,
    label,
    output: output.kind === 'kafka' ? 'Kafka' : 'the engine',
    log,
    health,
    send,
    terminal,
    now: clock.now,
  });
  const deadLetters = openDeadLetters(output, around, report);
  const sink = await openSink(output, {
    kind: input.kind,
    label,
    log,
    clock,
    random,
    signal: either,
    onNotice: (notice) => report.sink(notice),
    onDeadLetter: (reason, change) => deadLetters?.add(reason, change),
  });
  const fail = (error: unknown) => failing.abort(error);
  try {
    await feed(input, { ...around, sink, report, deadLetters, signal: either, fail });
  } catch (error) {
    // What failed first is the cause; after an ordinary stop nothing is an error.
    if (failing.signal.aborted) throw failing.signal.reason;
    if (!signal.aborted) throw error;
  } finally {
    await sink.close().catch(() => {});
  }
}

function openDeadLetters(
  output: OutputConfig,
  { clock }: Surroundings,
  report: Report,
): DeadLetters | null {
  if (output.kind !== 'kafka') return null;
  return new DeadLetters({
    file: output.deadLetters,
    now: () => clock.now(),
    onFailure: (error) => report.deadLettersFailed(error),
  });
}

async function feed(input: InputConfig, run: Run): Promise<void> {
  const { sink, report, deadLetters, clock, signal, log } = run;
  const stored = await sink.open();
  report.send({ type: 'ready' });
  const counts = noCounts();
  const arrivals = await openInput(input, stored, run);
  const onStored = input.kind === 'recorded' ? showProgress(input.file, stored, run) : null;
  await ingest(arrivals, {
    write: async (batch) => {
      try {
        await sink.write(batch);
      } catch (error) {
        run.fail(error);
        throw error;
      }
      onStored?.(batch.at(-1)?.position ?? '');
    },
    known: new KnownIds(stored.newestIds),
    counts,
    clock,
    signal,
    onMalformed: (reason, json) => {
      deadLetters?.add(reason, json);
      report.malformed(reason);
    },
  });
  log.info(
    { ...counts, deadLetters: deadLetters?.count ?? 0 },
    `the ${input.kind} input has stopped`,
  );
  if (input.kind !== 'recorded' || signal.aborted) return;
  await sink.tell('ended');
  report.state('ended');
  report.send({ type: 'done' });
}

async function openInput(
  input: InputConfig,
  { position }: Stored,
  run: Run,
): Promise<AsyncIterable<Arrival>> {
  const { clock, random, signal, sink, report } = run;
  if (input.kind === 'live') return await openLive(input, position, run);
  await sink.tell('connected');
  report.state('connected');
  if (input.kind === 'recorded') return replay({ ...input, position, clock, signal });
  const seed = Math.floor(random() * 2 ** 32);
  return generate({ rate: input.rate, seed, position, clock, signal });
}

async function openLive(
  input: Extract<InputConfig, { kind: 'live' }>,
  position: string | null,
  run: Run,
): Promise<AsyncIterable<Arrival>> {
  const { clock, random, signal, sink, report, fail } = run;
  const arrivals = readLive({
    url: input.url,
    userAgent: userAgent(run.version, input.contact ?? run.homepage, run.nodeVersion),
    position,
    clock,
    random,
    signal,
    onNotice: (notice) => {
      report.live(notice);
      if (notice.kind === 'state') sink.tell(notice.state).catch(fail);
    },
  });
  return input.record === null ? arrivals : recorded(arrivals, await Recorder.open(input.record));
}

/** Returns what to call with the position of each stored batch. */
function showProgress(file: string, stored: Stored, run: Run): (position: string) => void {
  const { report, signal, fail } = run;
  let total: number | null = null;
  let done = stored.position === null ? 0 : parseReplayPosition(stored.position).events;
  countEvents(file, signal).then((count) => {
    total = count;
    if (!signal.aborted) report.progress(done, count);
  }, fail);
  return (position) => {
    done = parseReplayPosition(position).events;
    if (total !== null) report.progress(done, total);
  };
}
