import { openAnyWay } from './any-way.ts';
import type { Feed } from './feed.ts';
import type { LineCheck } from './line.ts';
import { type Open, openWebSocket } from './web-socket.ts';

/** Why to look whether the connection is well. */
export type Wake = 'wake' | 'online';

/**
 * What the client needs of the world, so that tests can hold clock, network and chance. Its functions
 * are called by themselves, without `this`.
 */
export interface Environment {
  readonly open: Open;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
  /** A number from 0 to below 1. */
  random(): number;
  /** Makes what checks the rows of a feed; null while that is still being loaded. */
  check(): ((feed: Feed) => LineCheck) | null;
  /** Tells when the network is back or the page is looked at; the result ends that. */
  onWake(then: (why: Wake) => void): () => void;
}

let makeCheck: ReturnType<Environment['check']> = null;

const after: Environment['after'] = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

/** The world as browsers and Node 22 have it. */
export const WORLD: Environment = {
  open: openAnyWay({
    webSocket: openWebSocket,
    streams: async () => (await import('./streams.ts')).openStreams,
    after,
  }),
  after,
  random: Math.random,
  check() {
    if (makeCheck === null) {
      import('./proof.ts').then(
        ({ Proof }) => {
          makeCheck = (feed) => new Proof(feed);
        },
        // Asked for again with the next proof of quiet; until then rows are believed.
        () => {},
      );
    }
    return makeCheck;
  },
  onWake,
};

/** What a page has and Node has not; this folder is compiled for both. */
interface Page {
  readonly addEventListener?: (
    kind: string,
    then: (event: Event) => void,
    options: { readonly capture: true; readonly signal: AbortSignal },
  ) => void;
  readonly document?: { readonly visibilityState: string };
}

function onWake(then: (why: Wake) => void): () => void {
  const page: Page = globalThis as Page;
  const kinds = ['online', 'visibilitychange', 'pageshow'];
  const look = ({ type }: Event) => {
    if (type === 'online') then(type);
    else if (page.document?.visibilityState !== 'hidden') then('wake');
  };
  const over = new AbortController();
  const { signal } = over;
  for (const kind of kinds) page.addEventListener?.(kind, look, { capture: true, signal });
  return () => over.abort();
}
