import { expect, test } from 'vitest';
import { ManualClock } from '../upstream/manual-clock.ts';
import { Authorizer, type TokenRules } from './authorizer.ts';
import { fileKeys, secretKeys } from './keys.ts';
import { forge, makeEc, makeEd25519, makeRsa, sign } from './token-fixture.ts';

const NOW_S = 1_700_000_000;
const secret = Buffer.alloc(32, 1);
const viewcast = { views: ['counter'] };

const authorizer = (rules: Partial<TokenRules> = {}, nowS = NOW_S): Authorizer =>
  new Authorizer(
    { keys: secretKeys(secret), issuer: null, audience: null, claim: 'viewcast', ...rules },
    new ManualClock(nowS * 1_000),
  );

const hs256 = (payload: Readonly<Record<string, unknown>>, key: Uint8Array = secret) =>
  sign({ viewcast, ...payload }, key, { alg: 'HS256' });

const outcome = async (one: Authorizer, token: string): Promise<string> => {
  const verdict = await one.verify(token);
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind;
};

test('a good token grants what it names, until it expires', async () => {
  const verdict = await authorizer().verify(await hs256({ sub: 'ada', exp: NOW_S + 60 }));
  expect(verdict).toMatchObject({
    kind: 'granted',
    grant: { subject: 'ada', expiresAtMs: (NOW_S + 60) * 1_000, views: new Set(['counter']) },
  });
});

test.each([
  ['RS256', makeRsa],
  ['ES256', makeEc],
  ['EdDSA', makeEd25519],
])('%s by a key file; another key of the kind is refused', async (alg, make) => {
  const pair = make();
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const one = authorizer({ keys: await fileKeys(pem) });
  expect(await outcome(one, await sign({ viewcast }, pair.privateKey, { alg }))).toBe('granted');
  const theirs = await sign({ viewcast }, make().privateKey, { alg });
  expect(await outcome(one, theirs)).toBe('signature');
});

test('a public key never counts as a secret (algorithm confusion)', async () => {
  const pair = makeRsa();
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const one = authorizer({ keys: await fileKeys(pem) });
  expect(await outcome(one, await hs256({}, Buffer.from(pem)))).toBe('signature');
});

test.each([
  ['none', forge({ alg: 'none' }, { viewcast })],
  ['None', forge({ alg: 'None' }, { viewcast })],
  ['no algorithm', forge({}, { viewcast })],
  ['HS512', await sign({ viewcast }, Buffer.alloc(64, 1), { alg: 'HS512' })],
  ['RS256 with the secret for a key', forge({ alg: 'RS256' }, { viewcast }, 'AAAA')],
])('the algorithm %s is refused', async (_name, token) => {
  expect(await outcome(authorizer(), token)).not.toBe('granted');
});

test.each([
  ['before it expires', { exp: NOW_S + 1 }, 'granted'],
  ['within the leeway after', { exp: NOW_S - 4 }, 'granted'],
  ['beyond the leeway', { exp: NOW_S - 5 }, 'expired'],
  ['long after', { exp: NOW_S - 86_400 }, 'expired'],
  ['without exp', {}, 'granted'],
  ['with an exp that is a text', { exp: String(NOW_S + 60) }, 'claims'],
  ['just before nbf', { nbf: NOW_S + 5 }, 'granted'],
  ['before nbf', { nbf: NOW_S + 6 }, 'claims'],
])('a token %s: %j is %s', async (_name, payload, expected) => {
  expect(await outcome(authorizer(), await rawHs256(payload))).toBe(expected);
});

test.each([
  ['the issuer', { iss: 'https://a.example' }, 'granted'],
  ['another issuer', { iss: 'https://b.example' }, 'claims'],
  ['another spelling', { iss: 'https://a.example/' }, 'claims'],
  ['a list of issuers', { iss: ['https://a.example'] }, 'claims'],
  ['no issuer', {}, 'claims'],
])('where an issuer is set, %s', async (_name, payload, expected) => {
  const one = authorizer({ issuer: 'https://a.example' });
  expect(await outcome(one, await rawHs256(payload))).toBe(expected);
});

test.each([
  ['set', 'viewcast', { aud: 'viewcast' }, 'granted'],
  ['set, the token for several', 'viewcast', { aud: ['mail', 'viewcast'] }, 'granted'],
  ['set, the token for another', 'viewcast', { aud: 'mail' }, 'claims'],
  ['set, the token without', 'viewcast', {}, 'claims'],
  ['not set, the token for another', null, { aud: 'mail' }, 'claims'],
  ['not set, the token without', null, {}, 'granted'],
])('audience %s', async (_name, audience, payload, expected) => {
  expect(await outcome(authorizer({ audience }), await rawHs256(payload))).toBe(expected);
});

test('a token with wrong rights is refused, whatever they are', async () => {
  expect(await outcome(authorizer(), await hs256({ viewcast: undefined }))).toBe('claims');
  expect(await outcome(authorizer(), await hs256({ viewcast: { vews: [] } }))).toBe('claims');
});

test('no claim counts before the signature: a tampered token is refused for its signature', async () => {
  const [head, , signature] = (await hs256({ exp: NOW_S - 86_400 })).split('.');
  const rights = { viewcast: { views: '*' }, exp: 1 };
  const payload = Buffer.from(JSON.stringify(rights)).toString('base64url');
  expect(await outcome(authorizer(), `${head}.${payload}.${signature}`)).toBe('signature');
});

test('one flipped bit anywhere refuses the token', async () => {
  const token = await hs256({ exp: NOW_S + 60 });
  const one = authorizer();
  for (let at = 0; at < token.length; at += 7) {
    const flipped = String.fromCharCode(token.charCodeAt(at) ^ 1);
    const tampered = token.slice(0, at) + flipped + token.slice(at + 1);
    const same = tampered.split('.').every((part, index) => {
      const own = token.split('.')[index] ?? '';
      return Buffer.from(part, 'base64url').equals(Buffer.from(own, 'base64url'));
    });
    if (!same) expect(await outcome(one, tampered), `bit at ${at}`).not.toBe('granted');
  }
});

test.each([
  ['nothing', ''],
  ['one part', 'abc'],
  ['two dots', '..'],
  ['an encrypted token', 'a.b.c.d.e'],
  ['too long', 'a'.repeat(8_193)],
])('%s is no token', async (_name, token) => {
  expect(await outcome(authorizer(), token)).toBe('malformed');
});

test('keys that throw what they like end in a verdict', async () => {
  const keys = {
    algorithms: ['HS256'] as const,
    find: () => Promise.reject(new Error('of its own')),
  };
  expect(await outcome(authorizer({ keys }), await hs256({}))).toBe('malformed');
});

/** Claims that the library's own builder would not write. */
async function rawHs256(payload: Readonly<Record<string, unknown>>): Promise<string> {
  const { createHmac } = await import('node:crypto');
  const unsigned = forge({ alg: 'HS256' }, { viewcast, ...payload }).slice(0, -1);
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
}
