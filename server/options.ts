import { parseArgs } from 'node:util';

/** An option of the server: its name, what it takes, what it means, and the variable that says the same. */
interface Option {
  readonly name: string;
  readonly takes: string;
  readonly meaning: string;
  readonly variable: string;
}

const OPTIONS: readonly { readonly title: string; readonly options: readonly Option[] }[] = [
  {
    title: 'What it serves',
    options: [
      {
        name: 'upstream',
        takes: 'URL',
        meaning: 'Materialize, or the engine: postgres://user@host:6875/materialize',
        variable: 'VIEWCAST_UPSTREAM',
      },
      {
        name: 'views',
        takes: 'NAMES',
        meaning: 'the views to serve, by commas; * for every materialized view',
        variable: 'VIEWCAST_VIEWS',
      },
    ],
  },
  {
    title: 'Where and how',
    options: [
      {
        name: 'host',
        takes: 'HOST',
        meaning: 'address to listen on (127.0.0.1)',
        variable: 'VIEWCAST_HOST',
      },
      {
        name: 'port',
        takes: 'PORT',
        meaning: 'port; 0: a free one (8875)',
        variable: 'VIEWCAST_PORT',
      },
      {
        name: 'web',
        takes: 'DIR',
        meaning: 'folder of the built page (web/dist)',
        variable: 'VIEWCAST_WEB',
      },
      {
        name: 'workers',
        takes: 'N',
        meaning: 'threads that serve viewers (1)',
        variable: 'VIEWCAST_WORKERS',
      },
      {
        name: 'drain-ms',
        takes: 'MS',
        meaning: 'over how long SIGTERM sends viewers away (8000)',
        variable: 'VIEWCAST_DRAIN_MS',
      },
      {
        name: 'memory-mb',
        takes: 'MIB',
        meaning: 'memory near which load is shed; 0: never',
        variable: 'VIEWCAST_MEMORY_MB',
      },
      {
        name: 'log',
        takes: 'LEVEL',
        meaning: 'error, warn, info, debug or silent (info)',
        variable: 'VIEWCAST_LOG',
      },
    ],
  },
  {
    title: 'Messages in',
    options: [
      {
        name: 'kafka',
        takes: 'LIST',
        meaning: 'brokers that take messages, host:port by commas',
        variable: 'VIEWCAST_KAFKA',
      },
      {
        name: 'registry',
        takes: 'URL',
        meaning: 'the schema registry (http://127.0.0.1:8081)',
        variable: 'VIEWCAST_REGISTRY',
      },
      {
        name: 'schemas',
        takes: 'DIR',
        meaning: "folder of the topics' schemas (avro_schemas)",
        variable: 'VIEWCAST_SCHEMAS',
      },
      {
        name: 'messages-per-second',
        takes: 'N',
        meaning: 'messages of one address in a second (50)',
        variable: 'VIEWCAST_MESSAGES_PER_SECOND',
      },
    ],
  },
  {
    title: 'Who may use it',
    options: [
      {
        name: 'origins',
        takes: 'ORIGINS',
        meaning: "other sites' origins, by commas",
        variable: 'VIEWCAST_ORIGINS',
      },
      {
        name: 'trusted-proxies',
        takes: 'NETS',
        meaning: 'proxies whose X-Forwarded-For is believed',
        variable: 'VIEWCAST_TRUSTED_PROXIES',
      },
      {
        name: 'connections-per-address',
        takes: 'N',
        meaning: 'open streams of one address (50)',
        variable: 'VIEWCAST_CONNECTIONS_PER_ADDRESS',
      },
    ],
  },
];

const ALL = OPTIONS.flatMap(({ options }) => options);
const WIDTH = Math.max(...ALL.map(({ name, takes }) => name.length + takes.length));

/** What `--help` prints. */
export const HELP = `Pushes the views of a Materialize, or of viewcast's own engine, to any number of viewers.

  npm run server -- --upstream postgres://materialize@host:6875/materialize --views counter,top10

${OPTIONS.map(({ title, options }) => `${title}\n${options.map(line).join('\n')}\n`).join('\n')}
  --help ${' '.repeat(WIDTH - 4)} this text

TLS: add ?sslmode=verify-full to the URL, and &sslrootcert=FILE for an authority of your own.
The command line wins over the environment. A password is better kept off the command line, where
other users of the machine can read it: set VIEWCAST_UPSTREAM, or PGPASSWORD beside --upstream. Tokens
(VIEWCAST_AUTH_…) are set by the environment alone; the README lists them.
`;

function line({ name, takes, meaning, variable }: Option): string {
  const head = `  --${name} ${takes}`.padEnd(WIDTH + 6);
  return `${head}${meaning}\n${' '.repeat(WIDTH + 6)}${variable}`;
}

/** A command line, understood or not. */
export type Parsed =
  | {
      readonly kind: 'run';
      /** The environment with what the command line says. */
      readonly environment: Readonly<Record<string, string | undefined>>;
      /** The same sentence with the names of options that were given instead of variables'. */
      readonly naming: (sentence: string) => string;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads the command line (without node and script) over the environment. */
export function parseOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed {
  const options = Object.fromEntries(ALL.map(({ name }) => [name, { type: 'string' } as const]));
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    const config = { ...options, help: { type: 'boolean', short: 'h' } } as const;
    values = parseArgs({ args: [...argv], options: config, strict: true }).values;
  } catch (error) {
    const told = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    return { kind: 'invalid', problem: `${told}: npm run server -- --help lists the options` };
  }
  if (values.help === true) return { kind: 'help' };
  const given = ALL.filter(({ name }) => typeof values[name] === 'string');
  return {
    kind: 'run',
    environment: {
      ...environment,
      ...Object.fromEntries(given.map(({ name, variable }) => [variable, String(values[name])])),
    },
    naming: (sentence) =>
      given.reduce(
        (text, { name, variable }) =>
          text.replaceAll(new RegExp(`\\b${variable}\\b`, 'g'), `--${name}`),
        sentence,
      ),
  };
}
