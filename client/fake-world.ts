import type { Column } from '../protocol/update.ts';
import { type Client, type ClientOptions, connect } from './client.ts';
import type { Wake } from './environment.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeServer } from './fake-server.ts';
import { Proof } from './proof.ts';

/** Row types of the fake server's views. */
export type FakeViews = {
  readonly top: readonly [user: string, count: number];
  readonly counter: readonly [count: number];
};

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  top: [
    { name: 'user', type: 'text' },
    { name: 'count', type: 'bigint' },
  ],
  counter: [{ name: 'count', type: 'bigint' }],
};

/** A clock, a server and a client that know nothing of the real world. */
export interface FakeWorld {
  readonly clock: FakeClock;
  readonly server: FakeServer;
  readonly client: Client<FakeViews>;
  /** Somebody looks at the page, or the network is back. */
  wake(why?: Wake): void;
}

/** Makes a world; chance is `random`, by default always the middle. */
export function fakeWorld(
  options: Omit<ClientOptions, 'environment'> & { random?: () => number } = {},
): FakeWorld {
  const clock = new FakeClock();
  const server = new FakeServer(clock, COLUMNS);
  const wakers = new Set<(why: Wake) => void>();
  const { random = () => 0.5, ...rest } = options;
  const client = connect<FakeViews>('ws://fake', {
    ...rest,
    environment: {
      open: (_url, listener) => server.open(listener),
      after: (ms, then) => clock.after(ms, then),
      random,
      check: () => (feed) => new Proof(feed),
      onWake(then) {
        wakers.add(then);
        return () => wakers.delete(then);
      },
    },
  });
  const wake = (why: Wake = 'wake') => {
    for (const waker of wakers) waker(why);
  };
  return { clock, server, client, wake };
}
