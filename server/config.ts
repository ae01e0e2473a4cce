import { z } from 'zod';
import { parseBrokers } from '../kafka/kafka.ts';
import { type KafkaLogin, readKafkaLogin } from '../kafka/login.ts';
import { withoutPassword } from '../logging/without-password.ts';
import { TrustedProxies } from './address.ts';
import { authProblems, authVariables, readAuthSettings } from './auth/environment.ts';
import type { AuthSettings } from './auth/settings.ts';

/** What the server is told by its environment. */
export interface Config {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Where the views are: a PostgreSQL URL of Materialize or of the engine. */
  readonly upstream: string;
  /** The views to serve; null for every materialized view there is, as on the embedded engine. */
  readonly views: readonly string[] | null;
  /** The folder of the built page. */
  readonly web: string;
  /** Origins of other sites whose pages may use this server. */
  readonly origins: readonly string[];
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Open streams of one address; this machine's own are not limited. */
  readonly connectionsPerAddress: number;
  /** What tokens must be; null where everybody may see everything. */
  readonly auth: AuthSettings | null;
  /** How long a token in an address may be valid, in seconds; 0: none may be there. */
  readonly authQuerySeconds: number;
  /** Over how long viewers are sent away on SIGTERM, in ms. */
  readonly drainMs: number;
  /** Threads that serve; 1 serves in the main thread. */
  readonly workers: number;
  /** What the process may have of memory, in MiB; null: what its cgroup says; 0: nothing is shed. */
  readonly memoryMb: number | null;
  /** The folder of the topics' schemas. */
  readonly schemas: string;
  /** Brokers that messages go to, host:port by commas; null: they go into the engine. */
  readonly kafka: string | null;
  readonly kafkaLogin: KafkaLogin;
  /** The schema registry of that Kafka, a URL. */
  readonly registry: string;
  /** Messages that one address may submit in a second. */
  readonly messagesPerSecond: number;
  readonly logLevel: string;
}

const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: `must be a whole number from ${least} to ${most}` })
    .transform(Number)
    .refine((value) => value >= least && value <= most, {
      error: `must be a whole number from ${least} to ${most}`,
    });

/** A comma list; spaces around its entries and empty entries do not count. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const upstream = z
  .string()
  .refine((text) => URL.canParse(text) && /^postgres(?:ql)?:$/.test(new URL(text).protocol), {
    error: 'must be a URL such as postgres://materialize@127.0.0.1:6875/materialize',
  });

/** The views by name; `['*']` for all there are. */
const views = list.refine((names) => !names.includes('*') || names.length === 1, {
  error: 'must be names of views separated by commas, or * alone for all',
});

const origins = list.refine(
  (entries) => entries.every((entry) => URL.canParse(entry) && new URL(entry).origin === entry),
  { error: 'must be origins such as https://example.org, without a path, separated by commas' },
);

const proxies = list.refine(
  (entries) => {
    try {
      new TrustedProxies(entries);
      return true;
    } catch {
      return false;
    }
  },
  { error: 'must be addresses or networks such as 10.0.0.0/8, separated by commas' },
);

/** Empty is as not given. */
const brokers = z.string().refine((text) => text === '' || typeof parseBrokers(text) !== 'string', {
  error: 'must be addresses such as 127.0.0.1:9092, separated by commas',
});

const registry = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'must be a URL such as http://127.0.0.1:8081',
  });

const environment = z.object({
  VIEWCAST_HOST: z.string().min(1, { error: 'must not be empty' }).default('127.0.0.1'),
  VIEWCAST_PORT: integer(0, 65_535).default(8875),
  VIEWCAST_UPSTREAM: upstream.default('postgres://materialize@127.0.0.1:6875/materialize'),
  VIEWCAST_VIEWS: views.default([]),
  VIEWCAST_WEB: z.string().min(1, { error: 'must not be empty' }).default('web/dist'),
  VIEWCAST_ORIGINS: origins.default([]),
  VIEWCAST_TRUSTED_PROXIES: proxies.default([]),
  VIEWCAST_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).default(50),
  ...authVariables,
  VIEWCAST_DRAIN_MS: integer(0, 600_000).default(8_000),
  VIEWCAST_WORKERS: integer(1, 128).default(1),
  VIEWCAST_MEMORY_MB: integer(0, 100_000_000).optional(),
  VIEWCAST_SCHEMAS: z.string().min(1, { error: 'must not be empty' }).default('avro_schemas'),
  VIEWCAST_KAFKA: brokers.optional(),
  VIEWCAST_REGISTRY: registry.default('http://127.0.0.1:8081'),
  VIEWCAST_MESSAGES_PER_SECOND: integer(1, 1_000_000).default(50),
  VIEWCAST_LOG: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be one of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
});

/** The configuration, or a sentence about each variable that is wrong. */
export type ConfigResult =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** Reads the VIEWCAST_* variables; all that are wrong are reported at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const result = environment.safeParse(env);
  const kafkaLogin = readKafkaLogin(env);
  const problems = [...authProblems(env), ...exposureProblems(env)];
  if (typeof kafkaLogin === 'string') problems.push(kafkaLogin);
  if (!result.success || problems.length > 0 || typeof kafkaLogin === 'string') {
    const issues = result.error?.issues ?? [];
    const errors = issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name} ${message}, got ${JSON.stringify(withoutPassword(env[name] ?? ''))}`;
    });
    return { kind: 'errors', errors: [...errors, ...problems] };
  }
  const values = result.data;
  return {
    kind: 'config',
    config: {
      host: values.VIEWCAST_HOST,
      port: values.VIEWCAST_PORT,
      upstream: values.VIEWCAST_UPSTREAM,
      views: isAll(values.VIEWCAST_VIEWS) ? null : values.VIEWCAST_VIEWS,
      web: values.VIEWCAST_WEB,
      origins: values.VIEWCAST_ORIGINS,
      trustedProxies: values.VIEWCAST_TRUSTED_PROXIES,
      connectionsPerAddress: values.VIEWCAST_CONNECTIONS_PER_ADDRESS,
      auth: readAuthSettings(env),
      authQuerySeconds: values.VIEWCAST_AUTH_QUERY_SECONDS ?? 0,
      drainMs: values.VIEWCAST_DRAIN_MS,
      workers: values.VIEWCAST_WORKERS,
      memoryMb: values.VIEWCAST_MEMORY_MB ?? null,
      schemas: values.VIEWCAST_SCHEMAS,
      kafka: values.VIEWCAST_KAFKA || null,
      kafkaLogin,
      registry: values.VIEWCAST_REGISTRY,
      messagesPerSecond: values.VIEWCAST_MESSAGES_PER_SECOND,
      logLevel: values.VIEWCAST_LOG,
    },
  };
}

function isAll(names: readonly string[]): boolean {
  return names.length === 0 || names[0] === '*';
}

/** A database of one's own shows only what it was told to: nothing is public by oversight. */
function exposureProblems(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const given = (env.VIEWCAST_UPSTREAM ?? '') !== '';
  const named = (env.VIEWCAST_VIEWS ?? '').trim() !== '';
  if (!given || named) return [];
  return [
    'VIEWCAST_VIEWS must name the views to serve when VIEWCAST_UPSTREAM is given, ' +
      'separated by commas, or be * for every materialized view',
  ];
}
