import { CLOSE, type CloseCode, closeReason } from '../../protocol/close.ts';
import { sendReply } from '../reply.ts';
import { decodeSegment, readRequest } from '../request.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import type { Heartbeat } from './heartbeat.ts';
import { RateLimit } from './rate-limit.ts';
import { refuseStream } from './refusal.ts';
import type { Position, Seat, StreamMember, StreamParts } from './stream-source.ts';

interface Viewer {
  readonly view: string;
  /** Undefined when no token was given, null when it cannot be read. */
  readonly from: Position | null | undefined;
  /** Null when the address has too many connections: it is told so and closed. */
  readonly depart: (() => void) | null;
  readonly rate: RateLimit;
  seat: Seat | null;
  stopPings: () => void;
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
    drain: (socket) => socket.getUserData().seat?.drained(),
    dropped: () => parts.observer.dropped(),
    close: (socket, code) => {
      const viewer = socket.getUserData();
      viewer.stopPings();
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
  request: HttpRequest,
  context: SocketContext,
): void {
  const view = decodeSegment(request.getParameter(0) ?? '') ?? '';
  const { query, headers, peer } = readRequest(request, response);
  const refusal = refuseStream(parts, headers, view);
  if (refusal !== null) {
    parts.observer.refused(refusal.reason);
    sendReply(response, refusal.reply, false);
    return;
  }
  const token = query.get('from');
  const viewer: Viewer = {
    view,
    from: token === null ? undefined : parts.parseToken(token),
    depart: parts.admitConnection(peer, headers),
    rate: new RateLimit(parts.limits.messagesPerSecond, parts.limits.messageBurst, parts.nowMs()),
    seat: null,
    stopPings: () => {},
  };
  response.upgrade(
    viewer,
    headers.get('sec-websocket-key') ?? '',
    headers.get('sec-websocket-protocol') ?? '',
    headers.get('sec-websocket-extensions') ?? '',
    context,
  );
}

function open(parts: StreamParts, heartbeat: Heartbeat, socket: Socket): void {
  const viewer = socket.getUserData();
  parts.observer.connections('websocket', 1);
  if (viewer.depart === null) {
    end(socket, CLOSE.tooManyConnections);
    return;
  }
  const channel = parts.source.get(viewer.view);
  if (channel === undefined) {
    end(socket, CLOSE.viewGone);
    return;
  }
  viewer.stopPings = heartbeat.add(() => socket.ping());
  viewer.seat = channel.join(memberOf(socket, viewer.from !== undefined), viewer.from);
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
