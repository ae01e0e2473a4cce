import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import { reachable } from '../stream-ingest/reachable.ts';
import { userAgent } from '../stream-ingest/user-agent.ts';
import { engineUrl, pageUrl } from './addresses.ts';
import { HELP, WIKIMEDIA_RATE } from './command-line.ts';
import type { InputChoice } from './input-choice.ts';
import { untilReachable } from './live-probe.ts';
import { messageOf } from './message-of.ts';
import { judgeNode } from './node-line.ts';
import { whenNpmStops } from './npm.ts';
import { type Options, parseOptions } from './options.ts';
import { buildPage, isPageStale } from './page-build.ts';
import { choosePort } from './ports.ts';
import { checkRecordFile, storeFolder, storeName, takeDataFolder } from './stores.ts';
import { Supervisor } from './supervisor.ts';
import { Terminal } from './terminal.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const STREAM_URL = 'https://stream.wikimedia.org/v2/stream/recentchange';
/** Without an answer for as long, Wikimedia counts as unreachable. */
const PROBE_LIMIT_MS = 3_000;
/** What answers later lets the engine start meanwhile, on the store that was asked for. */
const QUICK_ANSWER_MS = 400;
/** What stands in for Wikimedia while it is away, at about its rate. */
const STAND_IN: InputChoice = { kind: 'generated', rate: WIKIMEDIA_RATE };

function main(): void {
  const advice = judgeNode(process.versions.node, root, process.platform);
  if (advice.kind === 'fits') begin();
  else if (advice.kind === 'hand-over') handOver(advice.to);
  else refuse([advice.reason], 2);
}

/** Runs the same under another Node. The channel tells it when this process is gone. */
function handOver(node: string): void {
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  whenNpmStops(() => child.kill('SIGTERM'));
  child.once('error', (error) => refuse([`${node} does not run: ${error.message}`], 1));
  child.once('close', (code) => process.exit(code ?? 1));
}

function begin(): void {
  const parsed = parseOptions(process.argv.slice(2), process.env);
  if (parsed.kind === 'help') process.stdout.write(HELP);
  else if (parsed.kind === 'invalid') refuse(parsed.problems, 2);
  else run(fromHere(parsed.options)).catch((error) => refuse([messageOf(error)], 1));
}

/** File names count from where npm was called, as npm runs scripts in the project's folder. */
function fromHere(options: Options): Options {
  const here = resolve(process.cwd()) === resolve(root) ? process.env.INIT_CWD : undefined;
  const from = (file: string) => resolve(here ?? process.cwd(), file);
  const { input } = options;
  return {
    ...options,
    data: options.data === 'data' ? resolve(root, 'data') : from(options.data),
    sql: options.sql === null ? null : from(options.sql),
    input:
      input.kind === 'recorded'
        ? { ...input, file: from(input.file) }
        : input.kind === 'live' && input.record !== null
          ? { ...input, record: from(input.record) }
          : input,
  };
}

async function run(asked: Options): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr, asked.quiet);
  const release = takeDataFolder(asked.data);
  process.once('exit', release);
  storeName(asked.input, asked.kafka);
  if (asked.input.kind === 'live' && asked.input.record !== null) {
    checkRecordFile(asked.input.record);
  }
  const options = { ...asked, ...(await choosePorts(asked)) };
  const build = isPageStale(root) ? buildPage(root) : null;
  const over = new AbortController();
  // A stop in the first seconds finds no supervisor yet.
  const running: { supervisor: Supervisor | null } = { supervisor: null };
  const stop = stopOnce(async (signal, code) => {
    over.abort();
    build?.stop();
    await running.supervisor?.stop(signal);
    process.exit(code);
  }, running);
  const choice = chooseInput(options, terminal);
  const first = await Promise.race([choice, sleep(QUICK_ANSWER_MS)]);
  if (over.signal.aborted) return;
  const supervisor = new Supervisor(
    {
      root,
      options,
      environment: process.env,
      terminal,
      pageBuilt: (build?.built ?? Promise.resolve()).catch((error) => {
        if (!over.signal.aborted) terminal.problem(`the page was not built: ${messageOf(error)}`);
      }),
      decided: choice.then(({ input }) => input),
      started: (placed) => started(terminal, { ...options, ...placed }),
      failed: (reason) => {
        terminal.problem(`viewcast: ${reason}`);
        stop('SIGTERM', 1);
      },
    },
    first?.input ?? options.input,
  );
  running.supervisor = supervisor;
  supervisor.start();
  const { instead } = await choice;
  if (instead === null) return;
  if (await untilReachable(probe(instead.contact), over.signal)) {
    terminal.news('Wikimedia answers: switching to live changes');
    supervisor.switchTo(instead);
  }
}

async function choosePorts({ host, port, sqlPort }: Options) {
  const chosen = await choosePort(host, port, '--port');
  let other = await choosePort(host, sqlPort, '--sql-port');
  while (other === chosen && sqlPort === 0) other = await choosePort(host, sqlPort, '--sql-port');
  return { port: chosen, sqlPort: other };
}

type Stop = (signal: NodeJS.Signals, code: number) => void;

/** Stops once; the second Ctrl-C does not wait. Without its parent it stops too. */
function stopOnce(
  work: (signal: NodeJS.Signals, code: number) => Promise<void>,
  running: { readonly supervisor: Supervisor | null },
): Stop {
  let stoppingSince: number | null = null;
  const stop: Stop = (signal, code) => {
    if (stoppingSince !== null) return;
    stoppingSince = Date.now();
    void work(signal, code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // One Ctrl-C comes twice, from the terminal and from npm, within a moment.
      if (stoppingSince !== null && Date.now() - stoppingSince > 500) {
        running.supervisor?.kill();
        process.exit(130);
      }
      stop(signal === 'SIGHUP' ? 'SIGTERM' : signal, 0);
    });
  }
  process.once('disconnect', () => stop('SIGTERM', 0));
  whenNpmStops(() => stop('SIGTERM', 0));
  return stop;
}

type LiveInput = Extract<InputChoice, { kind: 'live' }>;

/** The input to begin with, and the one to switch to when it answers. */
async function chooseInput(
  { input: wanted, kafka }: Options,
  terminal: Terminal,
): Promise<{ readonly input: InputChoice; readonly instead: LiveInput | null }> {
  // Nothing invented goes through Kafka: there the ingest itself waits for Wikimedia.
  if (wanted.kind !== 'live' || kafka !== null) return { input: wanted, instead: null };
  const answer = await probe(wanted.contact).reachable();
  if (answer.reachable) return { input: wanted, instead: null };
  terminal.problem(
    `Wikimedia cannot be reached (${answer.reason}): showing generated changes until it answers`,
  );
  return { input: STAND_IN, instead: wanted };
}

function probe(contact: string | null) {
  const url = process.env.VIEWCAST_STREAM_URL || STREAM_URL;
  const agent = userAgent(manifest.version, contact, process.versions.node);
  return {
    reachable: () => reachable(url, PROBE_LIMIT_MS, agent),
    random: Math.random,
    sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {}),
  };
}

function started(terminal: Terminal, options: Options): void {
  const { host, port, sqlPort, data, input, kafka } = options;
  const page = pageUrl(host, port);
  const inputs = {
    live: 'live from Wikimedia',
    recorded: `recorded: ${input.kind === 'recorded' ? input.file : ''}`,
    generated: 'generated: invented changes, none of them is real',
  };
  terminal.news(`
  viewcast is running

    page     ${page}
    streams  ${page}/api/stream/counter   (any view: ${page}/api/views)
    SQL      ${engineUrl(host, sqlPort)}   (or: npm run sql)
    input    ${inputs[input.kind]}
${kafka === null ? '' : `    Kafka    ${kafka.kafka}, registry ${kafka.registry}\n`}    data     ${storeFolder(data, input, kafka)}

  Ctrl-C stops it.
`);
  process.send?.({ type: 'ready', port, sqlPort });
}

function refuse(problems: readonly string[], code: number): void {
  for (const problem of problems) process.stderr.write(`viewcast: ${problem}\n`);
  process.exit(code);
}

main();
