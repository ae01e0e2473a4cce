import { CLOSE, type CloseCode, closeReason } from '../../protocol/close.ts';
import { sendReply } from '../reply.ts';
import { decodeSegment, type Request, readRequest } from '../request.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import { upgradeSocket } from './handshake.ts';
import type { Heartbeat } from './heartbeat.ts';
import { RateLimit } from './rate-limit.ts';
import { type Refusal, refuseOrigin, refuseView } from './refusal.ts';
import type { Pass, Position, Seat, StreamMember, StreamParts } from './stream-source.ts';

interface Viewer {
  readonly view: string;
  /** Undefined when no token was given, null when it cannot be read. */
  readonly from: Position | null | undefined;
  /** Null when the address has too many connections: it is told so and closed. */
  readonly depart: (() => void) | null;
  readonly pass: Pass;
  readonly rate: RateLimit;
  /** Whether the socket is closed: nothing may touch it any more. */
  over: boolean;
  seat: Seat | null;
  stopPings: () => void;
  leavePlace: () => void;
  leaveDoor: () => void;
}

type Socket = WebSocket<Viewer>;

/** WebSocket streams in wikirecent's format: one channel each, and nothing to say for the viewer. */
export function streamSockets(parts: StreamParts, heartbeat: Heartbeat): WebSocketBehavior<Viewer> {
  return {
    idleTimeout: parts.limits.idleSeconds,
    sendPingsAutomatically: false,
    maxBackpressure: parts.limits.fuseBytes,
    closeOnBackpressureLimit: true,
    // Above the limit that is answered with a code: beyond this the library just cuts.
    maxPayloadLength: 4 * parts.limits.messageBytes,
    upgrade: (response, request, context) => upgrade(parts, response, request, context),
    open: (socket) => open(parts, heartbeat, socket),
    message: (socket, message) => refuseChatter(parts, socket, message.byteLength),
    drain: (socket) => {
      socket.getUserData().seat?.drained();
      leavePlace(parts, socket);
    },
    dropped: () => parts.observer.dropped(),
    close: (socket, code) => {
      const viewer = socket.getUserData();
      viewer.over = true;
      viewer.stopPings();
      viewer.leavePlace();
      viewer.leaveDoor();
      viewer.seat?.leave();
      viewer.depart?.();
      parts.observer.connections('websocket', -1);
      parts.observer.closed(code);
    },
  };
}

function upgrade(
  parts: StreamParts,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
): void {
  let withdraw: () => void = () => {};
  response.onAborted(() => withdraw());
  const view = decodeSegment(raw.getParameter(0) ?? '') ?? '';
  const request = readRequest(raw, response);
  const refuse = ({ reason, reply }: Refusal): void => {
    parts.observer.refused(reason);
    response.cork(() => sendReply(response, reply, false));
  };
  const refusal = refuseOrigin(parts, request.headers);
  if (refusal !== null) {
    refuse(refusal);
    return;
  }
  withdraw = parts.enter(request, {
    refused: refuse,
    admitted: (pass) => {
      const unseen = refuseView(parts, pass, view);
      if (unseen !== null) refuse(unseen);
      else upgradeSocket(response, context, request.headers, viewerOf(parts, request, view, pass));
    },
  });
}

function viewerOf(parts: StreamParts, request: Request, view: string, pass: Pass): Viewer {
  const token = request.query.get('from');
  const { messagesPerSecond, messageBurst } = parts.limits;
  return {
    view,
    from: token === null ? undefined : parts.parseToken(token),
    depart: parts.admitConnection(request.peer, request.headers),
    pass,
    rate: new RateLimit(messagesPerSecond, messageBurst, parts.nowMs()),
    over: false,
    seat: null,
    stopPings: () => {},
    leavePlace: () => {},
    leaveDoor: () => {},
  };
}

function open(parts: StreamParts, heartbeat: Heartbeat, socket: Socket): void {
  const viewer = socket.getUserData();
  parts.observer.connections('websocket', 1);
  if (viewer.depart === null) {
    end(socket, CLOSE.tooManyConnections);
    return;
  }
  viewer.leaveDoor = viewer.pass.opened((reason) => end(socket, reason));
  viewer.stopPings = heartbeat.add(() => socket.ping());
  const resuming = viewer.from !== undefined && viewer.from !== null;
  const withdraw = parts.takePlace(resuming, {
    admitted: (leave) => {
      viewer.leavePlace = leave;
      join(parts, socket);
    },
    refused: (retryMs) => end(socket, { ...CLOSE.overloaded, retryMs }),
  });
  if (viewer.seat === null) viewer.leavePlace = withdraw;
}

/** The viewer gets its first message. */
function join(parts: StreamParts, socket: Socket): void {
  const viewer = socket.getUserData();
  const channel = parts.source.get(viewer.view);
  if (channel === undefined) {
    end(socket, CLOSE.viewGone);
    return;
  }
  viewer.seat = channel.join(memberOf(socket, viewer.from !== undefined), viewer.from);
  leavePlace(parts, socket);
}

/** The place is another's as soon as the first message has left the process. */
function leavePlace(parts: StreamParts, socket: Socket): void {
  const viewer = socket.getUserData();
  if (viewer.over || viewer.seat === null) return;
  if (socket.getBufferedAmount() < parts.limits.placeBytes) viewer.leavePlace();
}

/** A viewer that named a token knows this protocol's mark; wikirecent's own clients do not. */
const memberOf = (socket: Socket, replaceable: boolean): StreamMember => ({
  format: 'message',
  replaceable,
  send: (bytes) => {
    socket.send(bytes, false, false);
  },
  bufferedBytes: () => socket.getBufferedAmount(),
  enter: (topic) => {
    socket.subscribe(topic);
  },
  leave: (topic) => {
    // Whatever is sent takes along what was published in this turn and is still held back.
    socket.ping();
    socket.unsubscribe(topic);
  },
  close: (reason) => end(socket, reason),
});

function end(socket: Socket, reason: CloseCode): void {
  socket.end(reason.code, closeReason(reason, reason.retryMs > 0 ? reason.retryMs : undefined));
}

/** A stream has nothing to be told: what comes is bounded and otherwise ignored. */
function refuseChatter(parts: StreamParts, socket: Socket, bytes: number): void {
  const { rate } = socket.getUserData();
  if (bytes > parts.limits.messageBytes) end(socket, CLOSE.tooLarge);
  else if (!rate.take(parts.nowMs())) end(socket, CLOSE.rate);
}
