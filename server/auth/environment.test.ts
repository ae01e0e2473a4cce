import { expect, test } from 'vitest';
import { authProblems, readAuthSettings } from './environment.ts';

test('without a key tokens are off', () => {
  expect(authProblems({})).toEqual([]);
  expect(readAuthSettings({ VIEWCAST_AUTH_SECRET: '' })).toBe(null);
});

test.each([
  ['VIEWCAST_AUTH_SECRET', { kind: 'secret', secret: 'x' }],
  ['VIEWCAST_AUTH_KEY', { kind: 'file', path: 'x' }],
  ['VIEWCAST_AUTH_JWKS', { kind: 'jwks', url: 'x' }],
])('%s turns tokens on', (name, keys) => {
  const env = { [name]: 'x', VIEWCAST_AUTH_ISSUER: 'i' };
  expect(authProblems(env)).toEqual([]);
  expect(readAuthSettings(env)).toEqual({ keys, issuer: 'i', audience: null, claim: 'viewcast' });
});

test('what makes no sense together is said, all of it', () => {
  expect(
    authProblems({ VIEWCAST_AUTH_ISSUER: 'i', VIEWCAST_AUTH_QUERY_SECONDS: '60' }),
  ).toHaveLength(2);
  expect(authProblems({ VIEWCAST_AUTH_SECRET: 's', VIEWCAST_AUTH_KEY: 'k' })).toHaveLength(1);
  expect(authProblems({ VIEWCAST_AUTH_JWKS: 'u' })).toHaveLength(1);
  expect(authProblems({ VIEWCAST_AUTH_SECRET: 's', VIEWCAST_AUTH_JWKS: 'u' })).toHaveLength(2);
});
