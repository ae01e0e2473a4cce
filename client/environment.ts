import { openWebSocket, type Socket, type SocketListener } from './web-socket.ts';

/** What the client needs of the world, so that tests can hold clock, network and chance. */
export interface Environment {
  open(url: string, listener: SocketListener): Socket;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
  /** A number from 0 to below 1. */
  random(): number;
  /** A new UUID. */
  uuid(): string;
  /** Calls `then` when the network is back or the page is looked at; the result ends that. */
  onWake(then: () => void): () => void;
}

/** The world as browsers and Node 22 have it. */
export const WORLD: Environment = {
  open: openWebSocket,
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  uuid,
  onWake,
};

/** What a page has and Node has not; this folder is compiled for both. */
interface Page {
  readonly addEventListener?: (kind: string, then: () => void, capture: boolean) => void;
  readonly removeEventListener?: (kind: string, then: () => void, capture: boolean) => void;
  readonly document?: { readonly visibilityState: string };
}

function onWake(then: () => void): () => void {
  const page: Page = globalThis as Page;
  const kinds = ['online', 'visibilitychange', 'pageshow'];
  const look = () => {
    if (page.document?.visibilityState !== 'hidden') then();
  };
  for (const kind of kinds) page.addEventListener?.(kind, look, true);
  return () => {
    for (const kind of kinds) page.removeEventListener?.(kind, look, true);
  };
}

/** A random UUID also where `crypto.randomUUID` is missing: on pages without TLS. */
function uuid(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}
