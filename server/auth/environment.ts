import { z } from 'zod';
import type { AuthSettings, KeysSetting } from './settings.ts';

/** The variables of tokens. All are optional: without a key everybody may see everything. */
export const authVariables = {
  VIEWCAST_AUTH_SECRET: z.string().optional(),
  VIEWCAST_AUTH_KEY: z.string().optional(),
  VIEWCAST_AUTH_JWKS: z
    .string()
    .refine((text) => text === '' || /^https?:$/.test(protocolOf(text)), {
      error: 'must be a URL such as https://login.example.org/.well-known/jwks.json',
    })
    .optional(),
  VIEWCAST_AUTH_ISSUER: z.string().optional(),
  VIEWCAST_AUTH_AUDIENCE: z.string().optional(),
  VIEWCAST_AUTH_CLAIM: z.string().optional(),
  VIEWCAST_AUTH_QUERY_SECONDS: z
    .string()
    .regex(/^\d{0,5}$/, { error: 'must be a whole number from 0 to 99999' })
    .transform(Number)
    .optional(),
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

const protocolOf = (text: string): string => (URL.canParse(text) ? new URL(text).protocol : '');

const KEYS = ['VIEWCAST_AUTH_SECRET', 'VIEWCAST_AUTH_KEY', 'VIEWCAST_AUTH_JWKS'] as const;
const NEED_KEYS = [
  'VIEWCAST_AUTH_ISSUER',
  'VIEWCAST_AUTH_AUDIENCE',
  'VIEWCAST_AUTH_CLAIM',
  'VIEWCAST_AUTH_QUERY_SECONDS',
] as const;

/** An empty variable is as good as none. */
const given = (env: Environment, name: string): string | null => env[name] || null;

/**
 * What is wrong with the variables together, a sentence each. Whoever names an issuer believes
 * that tokens are on: a missing key must not leave the server open.
 */
export function authProblems(env: Environment): readonly string[] {
  const keys = KEYS.filter((name) => given(env, name) !== null);
  const problems: string[] = [];
  if (keys.length > 1) {
    problems.push(`${keys.join(' and ')} are both set; tokens are verified with one of them`);
  }
  if (keys.length === 0) {
    for (const name of NEED_KEYS.filter((name) => given(env, name) !== null)) {
      problems.push(`${name} is set, but no key to verify tokens with: set ${KEYS.join(', or ')}`);
    }
  }
  if (keys.includes('VIEWCAST_AUTH_JWKS') && given(env, 'VIEWCAST_AUTH_ISSUER') === null) {
    problems.push('VIEWCAST_AUTH_JWKS needs VIEWCAST_AUTH_ISSUER: the iss of the tokens to trust');
  }
  return problems;
}

/** The settings, or null where tokens are off; call when nothing is wrong. */
export function readAuthSettings(env: Environment): AuthSettings | null {
  const keys = keysOf(env);
  if (keys === null) return null;
  return {
    keys,
    issuer: given(env, 'VIEWCAST_AUTH_ISSUER'),
    audience: given(env, 'VIEWCAST_AUTH_AUDIENCE'),
    claim: given(env, 'VIEWCAST_AUTH_CLAIM') ?? 'viewcast',
  };
}

function keysOf(env: Environment): KeysSetting | null {
  const [secret, path, url] = KEYS.map((name) => given(env, name));
  if (secret) return { kind: 'secret', secret };
  if (path) return { kind: 'file', path };
  return url ? { kind: 'jwks', url } : null;
}
