import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../upstream/manual-clock.ts';
import { Authorizer } from './authorizer.ts';
import { defaultRemoteKeysLimits, RemoteKeys } from './remote-keys.ts';
import {
  type JwksServer,
  makeEc,
  makeEd25519,
  makeRsa,
  publicJwk,
  sign,
  startJwks,
} from './token-fixture.ts';

const { cooldownMs, maxAgeMs, retryMs, staleMs, maxBytes } = defaultRemoteKeysLimits;
const first = makeEc();
const second = makeEc();
const viewcast = { views: ['counter'] };

let jwks: JwksServer;
let clock: ManualClock;
let authorizer: Authorizer;

beforeEach(async () => {
  jwks = await startJwks();
  clock = new ManualClock();
  authorizer = authorizerOf(jwks);
});
afterEach(() => jwks.close());

const authorizerOf = (server: JwksServer, issuer: string | null = null): Authorizer =>
  new Authorizer(
    { keys: new RemoteKeys(server.url, clock), issuer, audience: null, claim: 'viewcast' },
    clock,
  );
const es256 = (pair = first, kid = 'one') =>
  sign({ viewcast, iss: 'i' }, pair.privateKey, { alg: 'ES256', kid });
const judge = async (token: string, one = authorizer): Promise<string> => {
  const verdict = await one.verify(token);
  return verdict.kind === 'refused' ? verdict.reason : verdict.kind;
};

test('keys are fetched when the first token comes, and then kept', async () => {
  jwks.serve([await publicJwk(first, 'one', 'ES256')]);
  expect(jwks.asked()).toBe(0);
  const tokens = await Promise.all(Array.from({ length: 20 }, () => es256()));
  const verdicts = await Promise.all(tokens.map((token) => judge(token)));
  expect(new Set(verdicts)).toEqual(new Set(['granted']));
  expect(jwks.asked()).toBe(1);
  await clock.pass(maxAgeMs);
  expect(await judge(await es256())).toBe('granted');
  expect(jwks.asked()).toBe(2);
});

test('all three kinds of public keys in one set', async () => {
  const pairs = { RS256: makeRsa(), ES256: first, EdDSA: makeEd25519() };
  const keys = Object.entries(pairs).map(([alg, pair]) => publicJwk(pair, alg, alg));
  jwks.serve(await Promise.all(keys));
  for (const [alg, { privateKey }] of Object.entries(pairs)) {
    expect(await judge(await sign({ viewcast }, privateKey, { alg, kid: alg }))).toBe('granted');
  }
});

test('rotation: a new key is found by its first token, the old one ends with the set', async () => {
  jwks.serve([await publicJwk(first, 'one', 'ES256')]);
  expect(await judge(await es256())).toBe('granted');
  await clock.pass(cooldownMs);
  jwks.serve([await publicJwk(second, 'two', 'ES256')]);
  expect(await judge(await es256(second, 'two'))).toBe('granted');
  expect(await judge(await es256())).toBe('signature');
});

test('unknown keys make the set be fetched once in a cool-down, however many come', async () => {
  jwks.serve([await publicJwk(first, 'one', 'ES256')]);
  expect(await judge(await es256())).toBe('granted');
  for (let round = 1; round <= 3; round++) {
    await clock.pass(cooldownMs);
    const tokens = await Promise.all([...'abcdefgh'].map((kid) => es256(second, kid)));
    const verdicts = await Promise.all(tokens.map((token) => judge(token)));
    verdicts.push(await judge(await es256(second, 'late')));
    expect(new Set(verdicts)).toEqual(new Set(['signature']));
    expect(jwks.asked()).toBe(1 + round);
  }
});

test('the same key id of another issuer is another key', async () => {
  const other = await startJwks();
  try {
    jwks.serve([await publicJwk(first, 'one', 'ES256')]);
    other.serve([await publicJwk(second, 'one', 'ES256')]);
    const theirs = authorizerOf(other);
    expect(await judge(await es256(first))).toBe('granted');
    expect(await judge(await es256(first), theirs)).toBe('signature');
    expect(await judge(await es256(second), theirs)).toBe('granted');
    expect(await judge(await es256(second))).toBe('signature');
  } finally {
    await other.close();
  }
});

test('a secret in a key set never counts', async () => {
  const secret = Buffer.alloc(32, 1);
  jwks.serve([{ kty: 'oct', k: secret.toString('base64url'), kid: 'one', alg: 'HS256' }]);
  const token = await sign({ viewcast }, secret, { alg: 'HS256', kid: 'one' });
  expect(await judge(token)).toBe('signature');
});

test('a token without a key id is refused where several keys could be meant', async () => {
  const keys = [await publicJwk(first, 'one', 'ES256'), await publicJwk(second, 'two', 'ES256')];
  jwks.serve(keys);
  const token = await sign({ viewcast }, first.privateKey, { alg: 'ES256' });
  expect(await judge(token)).toBe('signature');
  jwks.serve(keys.slice(0, 1));
  await clock.pass(maxAgeMs);
  expect(await judge(token)).toBe('granted');
});

test.each<[string, () => void]>([
  ['fails', () => jwks.answer(500, '')],
  ['answers no JSON', () => jwks.answer(200, '<html>')],
  ['answers no key set', () => jwks.answer(200, '{"keys":{}}')],
  ['answers without end', () => jwks.answer(200, ' '.repeat(maxBytes + 1))],
  ['sends elsewhere', () => jwks.answer(302, '', { Location: '/other' })],
])('a URL that %s makes tokens wait, and is asked again before long', async (_name, fail) => {
  fail();
  expect(await judge(await es256())).toBe('unavailable');
  expect(await judge(await es256())).toBe('unavailable');
  expect(jwks.asked()).toBe(1);
  jwks.serve([await publicJwk(first, 'one', 'ES256')]);
  await clock.pass(retryMs);
  expect(await judge(await es256())).toBe('granted');
});

test('keys outlive a URL that fails, but not for ever', async () => {
  jwks.serve([await publicJwk(first, 'one', 'ES256')]);
  expect(await judge(await es256())).toBe('granted');
  jwks.answer(500, '');
  await clock.pass(maxAgeMs);
  expect(await judge(await es256())).toBe('granted');
  await clock.pass(staleMs - 1);
  expect(await judge(await es256())).toBe('granted');
  await clock.pass(1);
  expect(await judge(await es256())).toBe('unavailable');
});
