import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { Authorizer } from './authorizer.ts';
import { fileKeys, KeyError, type KeySource, secretKeys } from './keys.ts';
import { RemoteKeys } from './remote-keys.ts';

/** Where the keys are; one of the three. */
export type KeysSetting =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'jwks'; readonly url: string };

/** What the operator says about tokens. */
export interface AuthSettings {
  readonly keys: KeysSetting;
  readonly issuer: string | null;
  readonly audience: string | null;
  readonly claim: string;
}

/**
 * Makes what verifies tokens. A JWKS URL is not asked before the first token comes.
 *
 * @throws {KeyError} when the secret or the file cannot be used.
 */
export async function openAuthorizer(settings: AuthSettings, clock: Clock): Promise<Authorizer> {
  const { issuer, audience, claim } = settings;
  const keys = await openKeys(settings.keys, clock);
  return new Authorizer({ keys, issuer, audience, claim }, clock);
}

async function openKeys(setting: KeysSetting, clock: Clock): Promise<KeySource> {
  if (setting.kind === 'secret') return secretKeys(setting.secret);
  if (setting.kind === 'jwks') return new RemoteKeys(new URL(setting.url), clock);
  const { path } = setting;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new KeyError(`expected a readable file of the key at ${path}`, { cause: error });
  });
  return fileKeys(text).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new KeyError(`${path}: ${message}`, { cause: error });
  });
}
