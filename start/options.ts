import { parseBrokers } from '../kafka/kafka.ts';
import { type Find, findIn, parseCommandLine } from './command-line.ts';
import { type InputChoice, readInput } from './input-choice.ts';
import { type Environment, isOn, readPort, readWhole } from './named-value.ts';
import type { KafkaAddresses } from './sql-sources.ts';

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

/** Reads the command line (without node and script) and the environment. Reads no file. */
export function parseOptions(argv: readonly string[], environment: Environment): Parsed {
  const given = parseCommandLine(argv);
  if (typeof given === 'string') return { kind: 'invalid', problems: [given] };
  if (given.help) return { kind: 'help' };
  const problems: string[] = [];
  const find = findIn(given, environment);
  const input = readInput(given, environment, problems);
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
