import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseBrokers } from '../kafka/kafka.ts';
import { type KafkaLogin, readKafkaLogin } from '../kafka/login.ts';
import { withoutPassword } from '../logging/without-password.ts';
import type { Speed } from './replay.ts';

/** What stream-ingest was asked to do, checked. */
export interface IngestConfig {
  readonly output: OutputConfig;
  readonly input: InputConfig;
  /** Where its health can be asked on 127.0.0.1; null for nowhere. */
  readonly healthPort: number | null;
  /** pino's levels. */
  readonly logLevel: string;
}

/** Where changes go. */
export type OutputConfig =
  /** The engine, as a postgres:// URL. */
  | { readonly kind: 'engine'; readonly url: string }
  | {
      readonly kind: 'kafka';
      /** host:port, by commas. */
      readonly brokers: string;
      readonly login: KafkaLogin;
      /** The schema registry's URL. */
      readonly registry: string;
      readonly topic: string;
      /** A file for what does not fit. */
      readonly deadLetters: string;
    };

/** One of the three inputs with what it needs. */
export type InputConfig =
  | {
      readonly kind: 'live';
      readonly url: string;
      readonly contact: string | null;
      /** A file to record into, or null. */
      readonly record: string | null;
    }
  | { readonly kind: 'recorded'; readonly file: string; readonly speed: Speed }
  | { readonly kind: 'generated'; readonly rate: number };

/** The outcome of reading the configuration; `errors` are sentences, all of them at once. */
export type ConfigResult =
  | { readonly kind: 'config'; readonly config: IngestConfig }
  | { readonly kind: 'help' }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** What `--help` prints. */
export const helpText = `Usage: npm run ingest -- [options]

Feeds changes on Wikimedia's wikis into the engine or into Kafka. npm start does this by itself;
alone it needs a running engine (npm run engine) with the tables of sql/sources, or a Kafka with a
schema registry (npm run kafka:local).

  --engine URL       the engine (VIEWCAST_ENGINE; postgres://materialize@127.0.0.1:6875/materialize)
  --kafka ADDRESSES  instead of the engine: host:port of brokers, by commas (VIEWCAST_KAFKA)
  --registry URL     the schema registry, needed with --kafka (VIEWCAST_REGISTRY); a login stands in it
  --topic NAME       the topic (VIEWCAST_TOPIC; recentchange). Invented changes need another one
  --dead-letters F   JSON lines: what does not fit the schema, with the reason
                     (VIEWCAST_DEAD_LETTERS; data/dead-letters.jsonl)
  --live             Wikimedia's EventStreams, the default (VIEWCAST_INPUT=live)
  --contact TEXT     an e-mail address or URL for Wikimedia's operators (VIEWCAST_CONTACT)
  --record FILE      write what live delivers, replayable (VIEWCAST_RECORD)
  --replay FILE      a recording: .sse or .jsonl, gzipped or not (VIEWCAST_REPLAY)
  --speed N          1, 10, any number, or max (VIEWCAST_SPEED; 1)
  --generate         invented changes (VIEWCAST_INPUT=generate)
  --rate N           invented changes per second (VIEWCAST_RATE; 30)
  --health-port PORT /livez and /readyz on 127.0.0.1 (VIEWCAST_HEALTH_PORT; none)
  --help             this text

VIEWCAST_KAFKA_TLS=yes, VIEWCAST_KAFKA_SASL, _USER and _PASSWORD are for brokers that ask who comes.
VIEWCAST_STREAM_URL is the stream's address, VIEWCAST_LOG the log level (info).
`;

const variables = z.object({
  VIEWCAST_ENGINE: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'a URL such as postgres://materialize@127.0.0.1:6875/materialize',
    })
    .default('postgres://materialize@127.0.0.1:6875/materialize'),
  VIEWCAST_KAFKA: z
    .string()
    .refine((list) => typeof parseBrokers(list) !== 'string', {
      error: 'host:port of brokers, by commas',
    })
    .optional(),
  VIEWCAST_REGISTRY: z
    .url({ protocol: /^https?$/, error: 'a URL such as http://localhost:8081' })
    .optional(),
  VIEWCAST_TOPIC: z
    .string()
    // Kafka takes 249 characters; the topic of positions has a longer name.
    .regex(/^[A-Za-z0-9._-]{1,200}$/, { error: 'letters, digits, ".", "_" and "-"' })
    .default('recentchange'),
  VIEWCAST_DEAD_LETTERS: z.string().default('data/dead-letters.jsonl'),
  VIEWCAST_INPUT: z
    .enum(['live', 'replay', 'generate'], { error: 'live, replay or generate' })
    .default('live'),
  VIEWCAST_REPLAY: z.string().optional(),
  VIEWCAST_SPEED: z
    .union([z.literal('max'), z.coerce.number().positive()], { error: 'a number above 0, or max' })
    .default(1),
  VIEWCAST_RECORD: z.string().optional(),
  VIEWCAST_RATE: z.coerce
    .number({ error: 'changes per second, above 0 and up to 100000' })
    .positive({ error: 'changes per second, above 0 and up to 100000' })
    .max(100_000, { error: 'changes per second, above 0 and up to 100000' })
    .default(30),
  VIEWCAST_STREAM_URL: z
    .url({ protocol: /^https?$/, error: 'an http:// or https:// URL' })
    .default('https://stream.wikimedia.org/v2/stream/recentchange'),
  VIEWCAST_CONTACT: z.string().optional(),
  VIEWCAST_HEALTH_PORT: z.coerce
    .number({ error: 'a port from 1 to 65535' })
    .int({ error: 'a port from 1 to 65535' })
    .min(1, { error: 'a port from 1 to 65535' })
    .max(65_535, { error: 'a port from 1 to 65535' })
    .optional(),
  VIEWCAST_LOG: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'fatal, error, warn, info, debug, trace or silent',
    })
    .default('info'),
});

type Variables = z.infer<typeof variables>;
type Environment = Readonly<Record<string, string | undefined>>;

const options = {
  engine: { type: 'string' },
  kafka: { type: 'string' },
  registry: { type: 'string' },
  topic: { type: 'string' },
  'dead-letters': { type: 'string' },
  live: { type: 'boolean' },
  contact: { type: 'string' },
  record: { type: 'string' },
  replay: { type: 'string' },
  speed: { type: 'string' },
  generate: { type: 'boolean' },
  rate: { type: 'string' },
  'health-port': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseFlags(args: readonly string[]) {
  return parseArgs({ args: [...args], options, strict: true }).values;
}

/** Flags win over the environment; --replay, --generate and --live name the input. */
function merge(flags: ReturnType<typeof parseFlags>, env: Environment): Environment {
  const named = [
    flags.live === true ? 'live' : null,
    flags.replay === undefined ? null : 'replay',
    flags.generate === true ? 'generate' : null,
  ].find((input) => input !== null);
  const implied = env.VIEWCAST_INPUT ?? (env.VIEWCAST_REPLAY ? 'replay' : undefined);
  return {
    ...env,
    VIEWCAST_ENGINE: flags.engine ?? env.VIEWCAST_ENGINE,
    VIEWCAST_KAFKA: flags.kafka ?? (flags.engine === undefined ? env.VIEWCAST_KAFKA : undefined),
    VIEWCAST_REGISTRY: flags.registry ?? env.VIEWCAST_REGISTRY,
    VIEWCAST_TOPIC: flags.topic ?? env.VIEWCAST_TOPIC,
    VIEWCAST_DEAD_LETTERS: flags['dead-letters'] ?? env.VIEWCAST_DEAD_LETTERS,
    VIEWCAST_INPUT: named ?? implied,
    VIEWCAST_REPLAY: flags.replay ?? env.VIEWCAST_REPLAY,
    VIEWCAST_SPEED: flags.speed ?? env.VIEWCAST_SPEED,
    VIEWCAST_RECORD: flags.record ?? env.VIEWCAST_RECORD,
    VIEWCAST_RATE: flags.rate ?? env.VIEWCAST_RATE,
    VIEWCAST_CONTACT: flags.contact ?? env.VIEWCAST_CONTACT,
    VIEWCAST_HEALTH_PORT: flags['health-port'] ?? env.VIEWCAST_HEALTH_PORT,
  };
}

function toInput(values: Variables): InputConfig | string {
  switch (values.VIEWCAST_INPUT) {
    case 'live':
      return {
        kind: 'live',
        url: values.VIEWCAST_STREAM_URL,
        contact: values.VIEWCAST_CONTACT ?? null,
        record: values.VIEWCAST_RECORD ?? null,
      };
    case 'replay':
      return values.VIEWCAST_REPLAY === undefined
        ? 'VIEWCAST_INPUT is replay, so VIEWCAST_REPLAY must name a file'
        : { kind: 'recorded', file: values.VIEWCAST_REPLAY, speed: values.VIEWCAST_SPEED };
    case 'generate':
      return { kind: 'generated', rate: values.VIEWCAST_RATE };
  }
}

/** The topic whose counts the public sees. */
const publicTopic = 'recentchange';

function toOutput(values: Variables, env: Environment): OutputConfig | string {
  if (values.VIEWCAST_KAFKA === undefined) return { kind: 'engine', url: values.VIEWCAST_ENGINE };
  if (values.VIEWCAST_REGISTRY === undefined) {
    return 'VIEWCAST_KAFKA is set, so VIEWCAST_REGISTRY must be the URL of the schema registry';
  }
  if (values.VIEWCAST_INPUT === 'generate' && values.VIEWCAST_TOPIC === publicTopic) {
    return `invented changes never go to the topic ${publicTopic}: name another one (--topic, VIEWCAST_TOPIC)`;
  }
  const login = readKafkaLogin(env);
  if (typeof login === 'string') return login;
  return {
    kind: 'kafka',
    brokers: values.VIEWCAST_KAFKA,
    login,
    registry: values.VIEWCAST_REGISTRY,
    topic: values.VIEWCAST_TOPIC,
    deadLetters: values.VIEWCAST_DEAD_LETTERS,
  };
}

function sentence(issue: z.core.$ZodIssue, env: Environment): string {
  const name = String(issue.path[0]);
  return `${name} must be ${issue.message}, and is "${withoutPassword(env[name] ?? '')}"`;
}

/** Reads flags and environment; an empty variable counts as absent. Pure. */
export function readConfig(args: readonly string[], env: Environment): ConfigResult {
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(args);
  } catch (error) {
    return { kind: 'errors', errors: [error instanceof Error ? error.message : String(error)] };
  }
  if (flags.help === true) return { kind: 'help' };
  const given = Object.entries(merge(flags, env)).filter(([, value]) => value !== '');
  const merged: Environment = Object.fromEntries(given);
  const parsed = variables.safeParse(merged);
  if (!parsed.success) {
    return { kind: 'errors', errors: parsed.error.issues.map((issue) => sentence(issue, merged)) };
  }
  const input = toInput(parsed.data);
  const output = toOutput(parsed.data, merged);
  if (typeof input === 'string' || typeof output === 'string') {
    return { kind: 'errors', errors: [input, output].filter((part) => typeof part === 'string') };
  }
  const { VIEWCAST_HEALTH_PORT: healthPort = null, VIEWCAST_LOG: logLevel } = parsed.data;
  return { kind: 'config', config: { output, input, healthPort, logLevel } };
}
