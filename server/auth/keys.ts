import { createPublicKey, type KeyObject } from 'node:crypto';
import { importJWK, type JWK, type JWTVerifyGetKey } from 'jose';

/** The signature algorithms that are understood; which of them count is the key's to say. */
export const ALGORITHMS = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** Where the keys are that tokens are verified with. */
export interface KeySource {
  /** What a token's header may name; a token of another one is refused unread (RFC 8725 §3.1). */
  readonly algorithms: readonly Algorithm[];
  /**
   * The key for a token's header.
   *
   * @throws {KeysUnavailable} when it cannot be known now; any other error refuses the token.
   */
  readonly find: JWTVerifyGetKey;
}

/** The keys cannot be had just now: it is not the token's fault. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** Key material that cannot be used: what was expected, what came. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/** An HMAC key is at least as long as its hash (RFC 7518 §3.2), in bytes. */
export const MIN_SECRET_BYTES = 32;

/**
 * A shared secret, for HS256.
 *
 * @throws {KeyError} when it is shorter than {@link MIN_SECRET_BYTES}.
 */
export function secretKeys(secret: string | Uint8Array): KeySource {
  const bytes = Buffer.from(secret);
  if (bytes.byteLength < MIN_SECRET_BYTES) {
    throw new KeyError(
      `expected a secret of at least ${MIN_SECRET_BYTES} bytes, got ${bytes.byteLength}`,
    );
  }
  return { algorithms: ['HS256'], find: async () => bytes };
}

/**
 * The key of a file: a public key or certificate in PEM, or a JWK. Its kind decides the one
 * algorithm that counts, so that no token can have a public key taken for a secret.
 *
 * @throws {KeyError} when the text is neither, or a private key, or of another kind.
 */
export async function fileKeys(text: string): Promise<KeySource> {
  return text.trimStart().startsWith('{') ? jwkKeys(text) : publicKeys(publicKey(text));
}

function publicKeys(key: KeyObject): KeySource {
  return { algorithms: [algorithmOf(key)], find: async () => key };
}

function publicKey(pem: string): KeyObject {
  if (/PRIVATE KEY/.test(pem)) {
    throw new KeyError('expected a public key, got a private one: a verifier must not hold it');
  }
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new KeyError('expected a public key in PEM, or a JWK', { cause: error });
  }
}

function algorithmOf(key: KeyObject): Algorithm {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'rsa') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < 2_048) throw new KeyError(`expected an RSA key of 2048 bits or more, got ${bits}`);
    return 'RS256';
  }
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  const got = `${key.asymmetricKeyType}${curve === undefined ? '' : ` on ${curve}`}`;
  throw new KeyError(`expected an RSA, P-256 or Ed25519 key, got ${got}`);
}

async function jwkKeys(text: string): Promise<KeySource> {
  let jwk: JWK;
  try {
    jwk = JSON.parse(text) as JWK;
  } catch (error) {
    throw new KeyError('expected a public key in PEM, or a JWK', { cause: error });
  }
  if (jwk.kty === 'oct') return secretKeys(await octets(jwk));
  if (jwk.d !== undefined) {
    throw new KeyError('expected a public key, got a private one: a verifier must not hold it');
  }
  try {
    return publicKeys(createPublicKey({ key: { ...jwk }, format: 'jwk' }));
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError('expected a JWK of one key', { cause: error });
  }
}

async function octets(jwk: JWK): Promise<Uint8Array> {
  const key = await importJWK(jwk, 'HS256').catch((error: unknown) => {
    throw new KeyError('expected a JWK of one key', { cause: error });
  });
  if (key instanceof Uint8Array) return key;
  throw new KeyError('expected a JWK of one key');
}
