import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import { type Algorithm, type KeySource, KeysUnavailable } from './keys.ts';

const PUBLIC_KEY_ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA'];

/** How the key set is fetched and kept; all in ms. */
export interface RemoteKeysLimits {
  /** A set is fetched anew after so long. */
  readonly maxAgeMs: number;
  /** A set that cannot be fetched anew counts so long more. */
  readonly staleMs: number;
  /** A key that the set lacks makes it be fetched at most once in so long. */
  readonly cooldownMs: number;
  /** A fetch that failed is tried again after so long. */
  readonly retryMs: number;
  readonly timeoutMs: number;
  /** The largest answer that is read, in bytes. */
  readonly maxBytes: number;
}

export const defaultRemoteKeysLimits: RemoteKeysLimits = {
  maxAgeMs: 600_000,
  staleMs: 3_600_000,
  cooldownMs: 30_000,
  retryMs: 5_000,
  timeoutMs: 4_000,
  maxBytes: 1_048_576,
};

interface KeySet {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAtMs: number;
}

/**
 * The keys of a JWKS URL. The URL is the operator's and fixed, no redirect is followed, and nothing
 * of a token decides what is fetched, only, within the cool-down, whether. The set is one issuer's:
 * who trusts two issuers makes two of these, so that equal key ids of theirs never meet.
 */
export class RemoteKeys implements KeySource {
  readonly algorithms = PUBLIC_KEY_ALGORITHMS;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #limits: RemoteKeysLimits;
  #set: KeySet | null = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failure: unknown = null;
  #fetching: Promise<void> | null = null;

  constructor(url: URL, clock: Clock, limits: RemoteKeysLimits = defaultRemoteKeysLimits) {
    this.#url = url;
    this.#clock = clock;
    this.#limits = limits;
  }

  readonly find: JWTVerifyGetKey = async (header, token) => {
    const set = await this.#current();
    try {
      return await set.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (set === this.#set && !this.#triedWithin(this.#limits.cooldownMs)) await this.#refresh();
      const newer = await this.#current();
      if (newer === set) throw error;
      return newer.find(header, token);
    }
  };

  /** Time since, in ms; 0 when the wall clock was set back. */
  #since(ms: number): number {
    return Math.max(0, this.#clock.now() - ms);
  }

  #triedWithin(ms: number): boolean {
    return this.#since(this.#triedAtMs) < ms;
  }

  async #current(): Promise<KeySet> {
    const { maxAgeMs, staleMs, retryMs } = this.#limits;
    const failing = this.#failure !== null && this.#triedWithin(retryMs);
    if (!this.#youngerThan(maxAgeMs) && !failing) await this.#refresh();
    if (this.#set !== null && this.#youngerThan(maxAgeMs + staleMs)) return this.#set;
    throw new KeysUnavailable(`the keys at ${this.#url.href} cannot be fetched`, {
      cause: this.#failure,
    });
  }

  #youngerThan(ms: number): boolean {
    return this.#set !== null && this.#since(this.#set.fetchedAtMs) < ms;
  }

  /** Fetches once for all who wait. Never rejects: a failure is kept, and the old set with it. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    try {
      const find = createLocalJWKSet(await this.#read());
      this.#set = { find, fetchedAtMs: this.#clock.now() };
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
    }
    this.#triedAtMs = this.#clock.now();
  }

  async #read(): Promise<JSONWebKeySet> {
    const response = await fetch(this.#url, {
      headers: { Accept: 'application/jwk-set+json, application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(this.#limits.timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`expected status 200 of ${this.#url.href}, got ${response.status}`);
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > this.#limits.maxBytes) {
        throw new Error(`expected at most ${this.#limits.maxBytes} bytes of ${this.#url.href}`);
      }
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString()) as JSONWebKeySet;
  }
}
