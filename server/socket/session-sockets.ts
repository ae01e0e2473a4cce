import { CLOSE } from '../../protocol/close.ts';
import type { Request } from '../request.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import { beginHandshake } from './handshake.ts';
import type { Refusal } from './refusal.ts';
import { Session } from './session.ts';
import type { Connection, SessionParts } from './session-parts.ts';
import { SocketEnd } from './socket-end.ts';
import type { Closable, StreamParts } from './stream-source.ts';

/** The library copies what it is given onto the socket: methods would be lost. */
interface UserData {
  readonly viewer: SessionSocket;
}

type Socket = WebSocket<UserData>;

/** The library pings 16 s before this: after 20 s of silence, so that a dead peer goes in 36 s. */
const IDLE_SECONDS = 36;

/** What the sockets of `ws /api/v1` share with those of streams. */
export type SessionSocketParts = SessionParts & {
  readonly sockets: Pick<
    StreamParts,
    'admitOrigin' | 'admitConnection' | 'observer' | 'corked' | 'limits'
  >;
  /** Lets a new connection in, or refuses it, at once or later; the function withdraws it. */
  readonly knock: (
    entrant: { readonly admitted: () => void; readonly refused: (refusal: Refusal) => void },
    request: Request,
  ) => () => void;
  /** Told of connections that stand, which it closes when the server stops, and that are over. */
  readonly door: { opened(connection: Closable): void; over(connection: Closable): void };
  /** Whose connection it is. */
  readonly addressOf: (peer: string, headers: Request['headers']) => string;
};

/** `ws /api/v1`: a session each. */
export function sessionSockets(parts: SessionSocketParts): WebSocketBehavior<UserData> {
  const { observer, limits } = parts.sockets;
  return {
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    maxBackpressure: limits.fuseBytes,
    closeOnBackpressureLimit: true,
    // Above the limit that is answered with a code: beyond this the library just cuts.
    maxPayloadLength: 4 * parts.limits.messageBytes,
    upgrade: (response, request, context) => upgrade(parts, response, request, context),
    open: (socket) => socket.getUserData().viewer.opened(socket),
    message: (socket, message, isBinary) => {
      const text = isBinary ? null : Buffer.from(message).toString();
      socket.getUserData().viewer.heard(text, message.byteLength);
    },
    drain: (socket) => socket.getUserData().viewer.drained(),
    dropped: () => observer.dropped(),
    close: (socket, code) => socket.getUserData().viewer.closed(code),
  };
}

function upgrade(
  parts: SessionSocketParts,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
): void {
  beginHandshake<UserData>(parts.sockets, response, raw, context, (handshake) => {
    const { request, refuse, complete } = handshake;
    const admitted = (): void => complete({ viewer: new SessionSocket(parts, request) });
    return parts.knock({ refused: refuse, admitted }, request);
  });
}

/** One connection: what the library keeps for its socket, and what its session speaks through. */
class SessionSocket extends SocketEnd<UserData> implements Connection {
  readonly address: string;
  readonly #parts: SessionSocketParts;
  /** Null when the address has too many connections: it is told so and closed. */
  readonly #depart: (() => void) | null;
  #session: Session | null = null;

  constructor(parts: SessionSocketParts, { peer, headers }: Request) {
    super();
    this.#parts = parts;
    this.#depart = parts.sockets.admitConnection(peer, headers);
    this.address = parts.addressOf(peer, headers);
  }

  opened(socket: Socket): void {
    this.socket = socket;
    this.#parts.sockets.observer.connections('session', 1);
    if (this.#depart === null) {
      this.close(CLOSE.tooManyConnections);
      return;
    }
    this.#parts.door.opened(this);
    this.#session = new Session(this.#parts, this);
    this.#session.opened();
  }

  heard(text: string | null, bytes: number): void {
    this.#session?.message(text, bytes);
  }

  drained(): void {
    this.#session?.drained();
  }

  closed(code: number): void {
    const { door, sockets } = this.#parts;
    this.socket = null;
    door.over(this);
    this.#session?.closed();
    this.#depart?.();
    sockets.observer.connections('session', -1);
    sockets.observer.closed(code);
  }
}
