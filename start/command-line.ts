import { parseArgs } from 'node:util';
import { messageOf } from './message-of.ts';
import type { Environment, Named } from './named-value.ts';

/** Events per second of `--generate` without a rate: what Wikimedia delivers. */
export const WIKIMEDIA_RATE = 30;

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

type ValueName = keyof typeof VALUE_VARIABLES;

/** What stands on a command line. */
export type Given = { [name in ValueName]?: string | undefined } & {
  live?: boolean | undefined;
  quiet?: boolean | undefined;
  help?: boolean | undefined;
};

/** Reads a command line, without node and script; a sentence when it cannot be understood. */
export function parseCommandLine(argv: readonly string[]): Given | string {
  try {
    return parseArgs({ args: [...joinRate(argv)], options: FLAGS, strict: true }).values;
  } catch (error) {
    const told = messageOf(error).split(/[.\n]/)[0] ?? '';
    return `${told}: npm start -- --help lists the options`;
  }
}

/** `--generate` may stand alone, which parseArgs does not know. */
function joinRate(argv: readonly string[]): readonly string[] {
  return argv.flatMap((argument, at) => {
    if (argument === '--generate') {
      const next = argv[at + 1];
      return next !== undefined && isValue(next) ? [] : [`--generate=${WIKIMEDIA_RATE}`];
    }
    return argv[at - 1] === '--generate' && isValue(argument)
      ? [`--generate=${argument}`]
      : [argument];
  });
}

const isValue = (argument: string): boolean => !argument.startsWith('-');

/** The value of an option, as it was said. */
export type Find = (name: ValueName) => Named | undefined;

/** The command line first; an environment variable set to nothing counts as not set. */
export function findIn(given: Given, environment: Environment): Find {
  return (name) => {
    const typed = given[name];
    if (typed !== undefined) return { value: typed, name: `--${name}` };
    const variable = VALUE_VARIABLES[name];
    const value = environment[variable];
    return value ? { value, name: variable } : undefined;
  };
}
