import type { Open } from './web-socket.ts';

/** How long a server may take to speak over a WebSocket, in ms, before streams are tried. */
export const SPEAK_MS = 4_000;

/** Codes from here on are the server's own words: it can be reached. */
const OWN_CODES = 4_000;

/** The ways to a server. */
export interface Ways {
  readonly webSocket: Open;
  /** Loads what speaks the protocol over streams (PROTOCOL.md, "Streams"). */
  streams(): Promise<Open>;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
}

/**
 * Opens a WebSocket, and where that does not come to speak, streams in its place: some networks
 * let nothing but plain HTTP through.
 */
export function openAnyWay({ webSocket, streams, after }: Ways): Open {
  return (url, listener) => {
    let open = true;
    let spoken = false;
    const lost = (code: number, reason: string) => {
      stopWaiting();
      if (spoken || code >= OWN_CODES) listener.closed(code, reason);
      else turn();
    };
    const turn = () => {
      streams().then(
        (openStreams) => {
          if (open) socket = openStreams(url, listener);
        },
        () => {
          if (open) listener.closed(1006, '');
        },
      );
    };
    const opened = () => {
      stopWaiting();
      spoken = true;
      listener.opened();
    };
    let socket = webSocket(url, { opened, message: listener.message, closed: lost });
    // Not before: where there may be no WebSocket at all, that throws.
    const stopWaiting = after(SPEAK_MS, () => {
      socket.close();
      turn();
    });
    return {
      send: (text) => socket.send(text),
      close() {
        open = false;
        stopWaiting();
        socket.close();
      },
    };
  };
}
