import { CLOSE, type CloseCode, closeReason } from '../../protocol/close.ts';
import { sendReply } from '../reply.ts';
import { type Request, readRequest } from '../request.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import { upgradeSocket } from './handshake.ts';
import { type Refusal, refuseOrigin } from './refusal.ts';
import { Session } from './session.ts';
import type { Connection, SessionParts } from './session-parts.ts';
import type { Closable, StreamParts } from './stream-source.ts';

interface Viewer {
  readonly address: string;
  /** Null when the address has too many connections: it is told so and closed. */
  readonly depart: (() => void) | null;
  session: Session | null;
  leaveDoor: () => void;
  /** Tells the session's connection that the socket is no more. */
  gone: () => void;
}

type Socket = WebSocket<Viewer>;

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
export function sessionSockets(parts: SessionSocketParts): WebSocketBehavior<Viewer> {
  const { observer, limits } = parts.sockets;
  return {
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    maxBackpressure: limits.fuseBytes,
    closeOnBackpressureLimit: true,
    // Above the limit that is answered with a code: beyond this the library just cuts.
    maxPayloadLength: 4 * parts.limits.messageBytes,
    upgrade: (response, request, context) => upgrade(parts, response, request, context),
    open: (socket) => {
      const viewer = socket.getUserData();
      observer.connections('session', 1);
      if (viewer.depart === null) {
        end(socket, CLOSE.tooManyConnections);
        return;
      }
      const { connection, gone } = connectionOf(socket);
      viewer.gone = gone;
      parts.door.opened(connection);
      viewer.leaveDoor = () => parts.door.over(connection);
      viewer.session = new Session(parts, connection);
      viewer.session.opened();
    },
    message: (socket, message, isBinary) => {
      const text = isBinary ? null : Buffer.from(message).toString();
      socket.getUserData().session?.message(text, message.byteLength);
    },
    drain: (socket) => socket.getUserData().session?.drained(),
    dropped: () => observer.dropped(),
    close: (socket, code) => {
      const viewer = socket.getUserData();
      viewer.gone();
      viewer.leaveDoor();
      viewer.session?.closed();
      viewer.depart?.();
      observer.connections('session', -1);
      observer.closed(code);
    },
  };
}

function upgrade(
  parts: SessionSocketParts,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
): void {
  let withdraw: () => void = () => {};
  response.onAborted(() => withdraw());
  const { sockets } = parts;
  const request = readRequest(raw, response);
  const { headers, peer } = request;
  const refuse = ({ reason, reply }: Refusal): void => {
    sockets.observer.refused(reason);
    response.cork(() => sendReply(response, reply, false));
  };
  const refusal = refuseOrigin(sockets, headers);
  if (refusal !== null) {
    refuse(refusal);
    return;
  }
  const admitted = (): void => {
    const depart = sockets.admitConnection(peer, headers);
    const address = parts.addressOf(peer, headers);
    const viewer: Viewer = {
      address,
      depart,
      session: null,
      leaveDoor: () => {},
      gone: () => {},
    };
    sockets.corked(() => upgradeSocket(response, context, headers, viewer));
  };
  withdraw = parts.knock({ refused: refuse, admitted }, request);
}

function end(socket: Socket, reason: CloseCode): void {
  socket.end(reason.code, closeReason(reason, reason.retryMs > 0 ? reason.retryMs : undefined));
}

/** After its close nothing may touch the socket: late calls do nothing. */
function connectionOf(socket: Socket): { connection: Connection; gone: () => void } {
  let open = true;
  const connection: Connection = {
    address: socket.getUserData().address,
    send: (bytes) => {
      if (open) socket.send(bytes, false, false);
    },
    bufferedBytes: () => (open ? socket.getBufferedAmount() : 0),
    enter: (topic) => {
      if (open) socket.subscribe(topic);
    },
    leave: (topic) => {
      if (!open) return;
      // Whatever is sent takes along what was published in this turn and is still held back.
      socket.ping();
      socket.unsubscribe(topic);
    },
    close: (reason) => {
      if (!open) return;
      open = false;
      end(socket, reason);
    },
  };
  return {
    connection,
    gone: () => {
      open = false;
    },
  };
}
