import { CLOSE } from '../../protocol/close.ts';
import { type Check, firstView, type Site } from '../check.ts';
import { NotSeen, Rule } from '../rule.ts';

/** Without a token a connection has 5 s. */
const TIMEOUT_MS = 30_000;

function required(site: Site): string {
  if (site.hello.auth !== 'required') throw new NotSeen('the server asks for no token');
  if (site.token === undefined) throw new NotSeen('it takes a token; see --token');
  return site.token;
}

/** `hello` and `auth`. */
export const authorizing: readonly Check[] = [
  {
    rule: 'hello',
    name: 'it comes first, unasked, with the version and the limits',
    run: async (site) => {
      const connection = await site.open({ anonymous: true });
      const hello = await connection.hear('hello');
      Rule.expect('hello', 'the protocol 1', hello.protocol === 1, hello);
      Rule.expect('hello', '16 hexadecimal digits', /^[0-9a-f]{16}$/.test(hello.schema), hello);
      const { messageBytes, jsonDepth, subscriptions, messageBurst } = hello.limits;
      const some = Math.min(messageBytes, jsonDepth, subscriptions, messageBurst) > 0;
      Rule.expect('hello', 'limits that allow something', some, hello);
    },
  },
  {
    rule: 'hello',
    name: 'a client need not wait for it',
    run: async (site) => {
      const connection = await site.open({ anonymous: true });
      if (site.token !== undefined) connection.say({ type: 'auth', token: site.token });
      await connection.subscribe({ views: [{ view: firstView(site) }] });
    },
  },
  {
    rule: 'auth',
    name: 'who brings no token is closed with 4004',
    run: async (site) => {
      required(site);
      const connection = await site.open({ anonymous: true });
      await connection.expectClose(CLOSE.authTimeout, TIMEOUT_MS);
    },
  },
  {
    rule: 'auth',
    name: 'a token that does not hold is closed with 4003',
    run: async (site) => {
      const token = required(site);
      for (const bad of ['x', 'e30.e30.', `${token.slice(0, -2)}xx`, '💥'.repeat(99)]) {
        const connection = await site.open({ anonymous: true });
        connection.say({ type: 'auth', token: bad });
        await connection.expectClose(CLOSE.authExpired);
      }
    },
  },
  {
    rule: 'auth',
    name: 'a token is renewed in band, and what is subscribed goes on',
    run: async (site) => {
      const token = required(site);
      const connection = await site.open();
      const track = await connection.subscribe({ views: [{ view: firstView(site) }] });
      const since = connection.heard.length;
      connection.say({ type: 'auth', token });
      await connection.hear('authorized', undefined, since);
      const { batches, proofs } = track;
      await connection.until(
        'the subscription to go on',
        () => track.batches > batches || track.proofs > proofs,
        site.hello.quietMs + site.patienceMs,
      );
    },
  },
];
