import { expect, test } from 'vitest';
import { ManualClock } from '../upstream/manual-clock.ts';
import type { Verdict } from './authorizer.ts';
import { openGrant } from './grant.ts';
import { HttpAuth } from './http-token.ts';

const clock = new ManualClock();

/** Grants `good <seconds>`, to end so many seconds from now (`ever`: never). */
const verifier = {
  async verify(token: string): Promise<Verdict> {
    const life = /^good-(\w+)$/.exec(token)?.[1];
    if (life === undefined) return { kind: 'refused', reason: 'signature', message: token };
    const expiresAtMs = life === 'ever' ? null : clock.now() + Number(life) * 1_000;
    return { kind: 'granted', grant: { ...openGrant, expiresAtMs } };
  },
};

const judge = async (
  querySeconds: number,
  authorization: string | undefined,
  query = '',
): Promise<string> => {
  const auth = new HttpAuth({ verifier, clock, querySeconds });
  const headers = new Map<string, string>();
  if (authorization !== undefined) headers.set('authorization', authorization);
  const verdict = await auth.judge({ headers, query: new URLSearchParams(query) });
  return verdict.kind;
};

test('where tokens are off every request is granted, in the same turn', () => {
  const auth = new HttpAuth({ verifier: null, clock, querySeconds: 0 });
  const headers = new Map([['authorization', 'Bearer nonsense']]);
  expect(auth.judge({ headers, query: new URLSearchParams() })).toEqual({
    kind: 'granted',
    grant: openGrant,
  });
});

test.each([
  ['Bearer good-60', 'granted'],
  ['bearer good-60', 'granted'],
  ['Bearer  good-60', 'granted'],
  ['Bearer bad', 'refused'],
  ['Bearer', 'refused'],
  ['Bearer good-60, Bearer good-60', 'refused'],
  ['Basic good-60', 'refused'],
  ['good-60', 'refused'],
  ['', 'refused'],
  [undefined, 'refused'],
])('the header %s is %s', async (header, expected) => {
  expect(await judge(0, header)).toBe(expected);
});

test.each([
  ['is off by default', 0, 'access_token=good-60', 'refused'],
  ['may be on', 300, 'access_token=good-60', 'granted'],
  ['must end soon', 300, 'access_token=good-3600', 'refused'],
  ['must end', 300, 'access_token=good-ever', 'refused'],
  ['must hold', 300, 'access_token=bad', 'refused'],
  ['must be there', 300, 'token=good-60', 'refused'],
])('a token in the address %s', async (_name, querySeconds, query, expected) => {
  expect(await judge(querySeconds, undefined, query)).toBe(expected);
});

test('a header wins over the address, and a bad one is not made good by it', async () => {
  expect(await judge(300, 'Bearer bad', 'access_token=good-60')).toBe('refused');
  expect(await judge(300, 'Bearer good-ever', 'access_token=bad')).toBe('granted');
});
