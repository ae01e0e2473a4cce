import { parseArgs } from 'node:util';
import { parseBrokers } from '../kafka/kafka.ts';
import type { KafkaAddresses } from './sql-sources.ts';

/** What feeds the views; each kind has a store of its own below the data folder. */
export type InputChoice =
  | {
      readonly kind: 'live';
      /** A page or mail address for Wikimedia's operators, sent in the User-Agent. */
      readonly contact: string | null;
      /** Where to write what is delivered, replayable; null for nowhere. */
      readonly record: string | null;
    }
  | {
      readonly kind: 'recorded';
      readonly file: string;
      /** Times the recording's own pace; `'max'` is as fast as the engine takes it. */
      readonly speed: number | 'max';
    }
  | {
      readonly kind: 'generated';
      /** Events per second. */
      readonly rate: number;
    };

/** What `npm start` was asked for. */
export interface Options {
  readonly host: string;
  /** Of the page and the streams; 0 takes a free one. */
  readonly port: number;
  /** Of the engine; 0 takes a free one. */
  readonly sqlPort: number;
  readonly data: string;
  /** Folder of `sources/` and `views/`; null for the project's own. */
  readonly sql: string | null;
  readonly input: InputChoice;
  /** What the changes go through on their way to the engine; null: nothing. */
  readonly kafka: KafkaAddresses | null;
  /** Threads that serve viewers, 1 to 128. */
  readonly workers: number;
  /** Over how long viewers are sent away on SIGTERM, in ms. */
  readonly drainMs: number;
  readonly quiet: boolean;
}

/** A command line and environment, understood or not; all problems are told at once. */
export type Parsed =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Events per second of `--generate` without a rate: what Wikimedia delivers. */
const WIKIMEDIA_RATE = 30;

/** What `--help` prints. */
export const HELP = `Live SQL on Wikipedia's changes: a page, streams and psql, fed by one subscription per view.

  npm start -- [options]

Where it listens and keeps its data
  --host HOST        address to listen on (127.0.0.1)              VIEWCAST_HOST
  --port PORT        page and streams; 0: a free port (8875)       VIEWCAST_PORT
  --sql-port PORT    SQL, as psql speaks it; 0: free (6875)        VIEWCAST_SQL_PORT
  --data DIR         data folder (data)                            VIEWCAST_DATA_DIR
  --sql DIR          folder with the views as SQL (sql)            VIEWCAST_SQL

How it serves
  --workers N        threads that serve viewers (1)                VIEWCAST_WORKERS
  --drain-ms MS      over how long SIGTERM sends viewers away (8000)
                                                                   VIEWCAST_DRAIN_MS

Through Kafka (both; the changes go ingest → Kafka → engine, in a store of their own)
  --kafka LIST       brokers, host:port by commas                  VIEWCAST_KAFKA
  --registry URL     the schema registry                           VIEWCAST_REGISTRY

What it shows (one of these; each keeps a store of its own below the data folder)
  --live             Wikimedia's changes as they are made (this is the default; when Wikimedia
                     cannot be reached, generated ones until it answers)
                                                                   VIEWCAST_LIVE=1
  --replay FILE      a recording: .sse or .jsonl, gzipped or not   VIEWCAST_REPLAY
  --generate [RATE]  invented changes, RATE a second (${WIKIMEDIA_RATE})          VIEWCAST_GENERATE

With these
  --speed N          1, 10, any factor, or max; with --replay (1)  VIEWCAST_SPEED
  --record FILE      write what live delivers, to be replayed      VIEWCAST_RECORD
  --contact TEXT     a page or mail address for Wikimedia's operators, as their rules ask
                                                                   VIEWCAST_CONTACT
  --quiet            print nothing but problems                    VIEWCAST_QUIET=1
  --help             this text

The command line wins over the environment. Ctrl-C stops everything.
`;

const FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  'sql-port': { type: 'string' },
  data: { type: 'string' },
  sql: { type: 'string' },
  live: { type: 'boolean' },
  replay: { type: 'string' },
  generate: { type: 'string' },
  speed: { type: 'string' },
  record: { type: 'string' },
  contact: { type: 'string' },
  workers: { type: 'string' },
  'drain-ms': { type: 'string' },
  kafka: { type: 'string' },
  registry: { type: 'string' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const VALUE_VARIABLES = {
  host: 'VIEWCAST_HOST',
  port: 'VIEWCAST_PORT',
  'sql-port': 'VIEWCAST_SQL_PORT',
  data: 'VIEWCAST_DATA_DIR',
  sql: 'VIEWCAST_SQL',
  replay: 'VIEWCAST_REPLAY',
  generate: 'VIEWCAST_GENERATE',
  speed: 'VIEWCAST_SPEED',
  record: 'VIEWCAST_RECORD',
  contact: 'VIEWCAST_CONTACT',
  workers: 'VIEWCAST_WORKERS',
  'drain-ms': 'VIEWCAST_DRAIN_MS',
  kafka: 'VIEWCAST_KAFKA',
  registry: 'VIEWCAST_REGISTRY',
} as const;
const INPUTS = ['live', 'replay', 'generate'] as const;

type ValueName = keyof typeof VALUE_VARIABLES;
type Given = { [name in ValueName]?: string | undefined } & {
  live?: boolean | undefined;
  quiet?: boolean | undefined;
  help?: boolean | undefined;
};

/** A value together with the name it was given under, for messages. */
interface Named {
  readonly value: string;
  readonly name: string;
}

/** Reads the command line (without node and script) and the environment. Reads no file. */
export function parseOptions(argv: readonly string[], environment: Environment): Parsed {
  let given: Given;
  try {
    given = parseArgs({ args: [...joinRate(argv)], options: FLAGS, strict: true }).values;
  } catch (error) {
    const told = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    return { kind: 'invalid', problems: [`${told}: npm start -- --help lists the options`] };
  }
  if (given.help) return { kind: 'help' };
  const problems: string[] = [];
  const find = findIn(given, environment);
  const input = readInput(given, environment, find, problems);
  const options: Options = {
    host: find('host')?.value ?? '127.0.0.1',
    port: readPort(find('port'), 8875, problems),
    sqlPort: readPort(find('sql-port'), 6875, problems),
    data: find('data')?.value ?? 'data',
    sql: find('sql')?.value ?? null,
    input,
    kafka: readKafka(find, input, problems),
    workers: readWhole(find('workers'), { least: 1, most: 128, otherwise: 1 }, problems),
    drainMs: readWhole(find('drain-ms'), { least: 0, most: 600_000, otherwise: 8_000 }, problems),
    quiet: given.quiet ?? isOn(environment.VIEWCAST_QUIET, 'VIEWCAST_QUIET', problems),
  };
  if (options.port === options.sqlPort && options.port !== 0) {
    problems.push(`the page and SQL cannot share port ${options.port}: give one of them another`);
  }
  return problems.length === 0 ? { kind: 'run', options } : { kind: 'invalid', problems };
}

/** `--generate` may stand alone, which parseArgs does not know. */
function joinRate(argv: readonly string[]): readonly string[] {
  return argv.flatMap((argument, at) => {
    if (argument === '--generate') {
      const next = argv[at + 1];
      return next !== undefined && isAmount(next) ? [] : [`--generate=${WIKIMEDIA_RATE}`];
    }
    return argv[at - 1] === '--generate' && isAmount(argument)
      ? [`--generate=${argument}`]
      : [argument];
  });
}

function isAmount(text: string): boolean {
  return /^[\d.]+$/.test(text);
}

type Find = (name: ValueName) => Named | undefined;

/** The command line first; an environment variable set to nothing counts as not set. */
function findIn(given: Given, environment: Environment): Find {
  return (name) => {
    const typed = given[name];
    if (typed !== undefined) return { value: typed, name: `--${name}` };
    const variable = VALUE_VARIABLES[name];
    const value = environment[variable];
    return value ? { value, name: variable } : undefined;
  };
}

function readPort(named: Named | undefined, otherwise: number, problems: string[]): number {
  if (named === undefined) return otherwise;
  const port = Number(named.value);
  if (/^\d+$/.test(named.value) && port <= 65_535) return port;
  problems.push(`${named.name} is "${named.value}": expected a port from 0 to 65535`);
  return otherwise;
}

function readWhole(
  named: Named | undefined,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
  problems: string[],
): number {
  if (named === undefined) return bounds.otherwise;
  const number = Number(named.value);
  const fits = /^\d+$/.test(named.value) && number >= bounds.least && number <= bounds.most;
  if (fits) return number;
  problems.push(
    `${named.name} is "${named.value}": expected a whole number from ${bounds.least} to ${bounds.most}`,
  );
  return bounds.otherwise;
}

function readInput(
  given: Given,
  environment: Environment,
  find: Find,
  problems: string[],
): InputChoice {
  const typed = INPUTS.filter((name) => given[name] !== undefined);
  const chosen = typed.length > 0 ? typed : inputsOf(environment, problems);
  if (chosen.length > 1) {
    problems.push(
      `only one input can feed the views, but there are ${chosen.length}: ${chosen.join(', ')}`,
    );
  }
  const input = chosen[0] ?? 'live';
  const [speed, record] = [find('speed'), find('record')];
  if (speed !== undefined && input !== 'replay') {
    problems.push(`${speed.name} sets the pace of a recording: it needs --replay FILE`);
  }
  if (record !== undefined && input !== 'live') {
    problems.push(`${record.name} records live changes: leave out --${input}, or do not record`);
  }
  if (input === 'live') {
    const contact = find('contact')?.value ?? null;
    return { kind: 'live', contact, record: record?.value ?? null };
  }
  if (input === 'generate') return { kind: 'generated', rate: readRate(find, problems) };
  const file = find('replay')?.value ?? '';
  if (file === '') problems.push('--replay needs the name of a recording');
  return { kind: 'recorded', file, speed: readSpeed(speed, problems) };
}

function readKafka(find: Find, input: InputChoice, problems: string[]): KafkaAddresses | null {
  const [kafka, registry] = [find('kafka'), find('registry')];
  if (kafka === undefined) {
    if (registry !== undefined)
      problems.push(`${registry.name} is for Kafka: it needs --kafka LIST`);
    return null;
  }
  const brokers = parseBrokers(kafka.value);
  if (typeof brokers === 'string') problems.push(`${kafka.name} is "${kafka.value}": ${brokers}`);
  if (input.kind !== 'live') {
    problems.push(
      `${kafka.name} takes live changes: the topic recentchange is for those alone, so leave out ${input.kind === 'recorded' ? '--replay' : '--generate'}`,
    );
  }
  if (registry === undefined) {
    problems.push(`${kafka.name} needs the schema registry: --registry http://localhost:8081`);
    return null;
  }
  if (!/^https?:\/\/./.test(registry.value)) {
    problems.push(`${registry.name} is "${registry.value}": expected http://host:port`);
  }
  return { kafka: kafka.value, registry: registry.value };
}

function inputsOf(environment: Environment, problems: string[]): (typeof INPUTS)[number][] {
  const live = isOn(environment.VIEWCAST_LIVE, 'VIEWCAST_LIVE', problems);
  return INPUTS.filter((name) => (name === 'live' ? live : environment[VALUE_VARIABLES[name]]));
}

function readRate(find: Find, problems: string[]): number {
  const named = find('generate');
  const rate = Number(named?.value);
  if (named !== undefined && isAmount(named.value) && rate > 0 && rate <= 100_000) return rate;
  problems.push(
    `${named?.name} is "${named?.value}": expected events per second, above 0 and up to 100000`,
  );
  return WIKIMEDIA_RATE;
}

function readSpeed(named: Named | undefined, problems: string[]): number | 'max' {
  if (named === undefined) return 1;
  if (named.value === 'max') return 'max';
  const speed = Number(named.value);
  if (isAmount(named.value) && speed > 0 && Number.isFinite(speed)) return speed;
  problems.push(`${named.name} is "${named.value}": expected 1, 10, another factor, or max`);
  return 1;
}

function isOn(value: string | undefined, name: string, problems: string[]): boolean {
  if (value === undefined || ['', '0', 'false'].includes(value)) return false;
  if (['1', 'true'].includes(value)) return true;
  problems.push(`${name} is "${value}": expected 1 or 0`);
  return false;
}
