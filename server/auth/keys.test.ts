import { exportJWK } from 'jose';
import { expect, test } from 'vitest';
import { fileKeys, KeyError, secretKeys } from './keys.ts';
import { makeEc, makeEd25519, makeRsa } from './token-fixture.ts';

const pairs = {
  RS256: makeRsa(),
  ES256: makeEc(),
  EdDSA: makeEd25519(),
} as const;
const names = Object.keys(pairs) as (keyof typeof pairs)[];

test.each(names)("a file's kind of key decides the algorithm: %s", async (algorithm) => {
  const { publicKey } = pairs[algorithm];
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect((await fileKeys(pem)).algorithms).toEqual([algorithm]);
  const jwk = JSON.stringify(await exportJWK(publicKey));
  expect((await fileKeys(jwk)).algorithms).toEqual([algorithm]);
});

test('a JWK of octets is a secret, and has to be long', async () => {
  const jwk = (bytes: number) =>
    JSON.stringify({ kty: 'oct', k: Buffer.alloc(bytes, 7).toString('base64url') });
  expect((await fileKeys(jwk(32))).algorithms).toEqual(['HS256']);
  await expect(fileKeys(jwk(31))).rejects.toThrow(KeyError);
  expect(secretKeys('x'.repeat(32)).algorithms).toEqual(['HS256']);
  expect(() => secretKeys('x'.repeat(31))).toThrow('at least 32 bytes, got 31');
});

test.each(names)('a private key is refused: %s', async (algorithm) => {
  const { privateKey } = pairs[algorithm];
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await expect(fileKeys(pem)).rejects.toThrow('got a private one');
  const jwk = JSON.stringify(await exportJWK(privateKey));
  await expect(fileKeys(jwk)).rejects.toThrow('got a private one');
});

test.each([
  ['nothing', ''],
  ['some text', 'hello'],
  ['broken PEM', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  ['broken JSON', '{"kty":'],
  ['a key set', '{"keys":[]}'],
  ['octets without octets', '{"kty":"oct"}'],
  ['an RSA key of 1024 bits', pem(makeRsa(1_024))],
  ['a key on P-384', pem(makeEc('P-384'))],
])('%s is refused', async (_name, text) => {
  await expect(fileKeys(text)).rejects.toThrow(KeyError);
});

function pem({ publicKey }: ReturnType<typeof makeRsa>): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}
