import { z } from 'zod';
import type { Line } from './session/line.ts';

/** What the engine's process is told by its environment. */
export interface EngineConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly store: string;
  /** The line of Materialize to pose as. */
  readonly line: Line;
  readonly logLevel: string;
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const ENVIRONMENT = z.object({
  VIEWCAST_HOST: z.string().min(1, 'is an address to listen on').default('127.0.0.1'),
  VIEWCAST_SQL_PORT: z.coerce
    .number({ error: 'is a port number' })
    .int('is a whole number')
    .min(0, 'is 0 or more')
    .max(65535, 'is 65535 or less')
    .default(6875),
  VIEWCAST_STORE: z.string({ error: 'is needed: the folder of the store' }).min(1, 'is a folder'),
  VIEWCAST_DIALECT: z
    .enum(['subscribe', 'tail'], { error: 'is subscribe, or tail to pose as Materialize 0.26' })
    .default('subscribe'),
  VIEWCAST_LOG: z.enum(LEVELS, { error: `is one of ${LEVELS.join(', ')}` }).default('info'),
});

/**
 * Reads the configuration from environment variables.
 *
 * @returns the configuration, or one sentence for each variable that is wrong.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
): EngineConfig | readonly string[] {
  const parsed = ENVIRONMENT.safeParse(environment);
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const value = environment[name];
      return `${name} ${issue.message}${value === undefined ? '' : `, not ${JSON.stringify(value)}`}`;
    });
  }
  return {
    host: parsed.data.VIEWCAST_HOST,
    port: parsed.data.VIEWCAST_SQL_PORT,
    store: parsed.data.VIEWCAST_STORE,
    line: parsed.data.VIEWCAST_DIALECT,
    logLevel: parsed.data.VIEWCAST_LOG,
  };
}
