import { CLOSE } from '../../protocol/close.ts';
import { decodeSegment, type Request } from '../request.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import { beginHandshake } from './handshake.ts';
import { refuseView } from './refusal.ts';
import { SocketEnd } from './socket-end.ts';
import type {
  Pass,
  Position,
  Seat,
  StreamHeartbeat,
  StreamMember,
  StreamParts,
} from './stream-source.ts';

/** The library copies what it is given onto the socket: methods would be lost. */
interface UserData {
  readonly viewer: StreamSocket;
}

type Socket = WebSocket<UserData>;

/** WebSocket streams in wikirecent's format: one channel each, and nothing to say for the viewer. */
export function streamSockets(
  parts: StreamParts,
  heartbeat: StreamHeartbeat,
): WebSocketBehavior<UserData> {
  return {
    idleTimeout: parts.limits.idleSeconds,
    sendPingsAutomatically: false,
    maxBackpressure: parts.limits.fuseBytes,
    closeOnBackpressureLimit: true,
    // Above the limit that is answered with a code: beyond this the library just cuts.
    maxPayloadLength: 4 * parts.limits.messageBytes,
    upgrade: (response, request, context) => upgrade(parts, heartbeat, response, request, context),
    open: (socket) => socket.getUserData().viewer.opened(socket),
    message: (socket, message) => socket.getUserData().viewer.heard(message.byteLength),
    drain: (socket) => socket.getUserData().viewer.drained(),
    dropped: () => parts.observer.dropped(),
    close: (socket, code) => socket.getUserData().viewer.closed(code),
  };
}

function upgrade(
  parts: StreamParts,
  heartbeat: StreamHeartbeat,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
): void {
  const view = decodeSegment(raw.getParameter(0) ?? '') ?? '';
  beginHandshake<UserData>(parts, response, raw, context, (handshake) => {
    const { request, refuse, complete } = handshake;
    return parts.enter(request, {
      refused: refuse,
      admitted: (pass) => {
        const unseen = refuseView(parts, pass, view);
        if (unseen !== null) refuse(unseen);
        else complete({ viewer: new StreamSocket(parts, heartbeat, request, view, pass) });
      },
    });
  });
}

/**
 * One viewer: what the library keeps for its socket, and what its channel knows of it. What few of
 * them need is made when they do.
 */
class StreamSocket extends SocketEnd<UserData> implements StreamMember {
  readonly #parts: StreamParts;
  readonly #heartbeat: StreamHeartbeat;
  readonly #view: string;
  /** Undefined when no token was given, null when it cannot be read. */
  readonly #from: Position | null | undefined;
  /** Null when the address has too many connections: it is told so and closed. */
  readonly #depart: (() => void) | null;
  readonly #pass: Pass;
  #seat: Seat | null = null;
  /** Withdraws from the line, or gives up the place; null when there is neither. */
  #leavePlace: (() => void) | null = null;
  /** What it has used of the limit of messages. */
  #used = 0;

  constructor(
    parts: StreamParts,
    heartbeat: StreamHeartbeat,
    request: Request,
    view: string,
    pass: Pass,
  ) {
    super();
    const token = request.query.get('from');
    this.#parts = parts;
    this.#heartbeat = heartbeat;
    this.#view = view;
    this.#from = token === null ? undefined : parts.parseToken(token);
    this.#depart = parts.admitConnection(request.peer, request.headers);
    this.#pass = pass;
  }

  opened(socket: Socket): void {
    this.socket = socket;
    this.#parts.observer.connections('websocket', 1);
    if (this.#depart === null) {
      this.close(CLOSE.tooManyConnections);
      return;
    }
    this.#pass.opened(this);
    this.#heartbeat.add(this);
    const resuming = this.#from !== undefined && this.#from !== null;
    const withdraw = this.#parts.takePlace(resuming, {
      admitted: (leave) => {
        this.#leavePlace = leave;
        this.#join();
      },
      refused: (retryMs) => this.close({ ...CLOSE.overloaded, retryMs }),
    });
    if (this.#seat === null) this.#leavePlace = withdraw;
  }

  /** A stream has nothing to be told: what comes is bounded and otherwise ignored. */
  heard(bytes: number): void {
    const { limits, messageRate, nowMs } = this.#parts;
    const used = messageRate.take(this.#used, nowMs());
    this.#used = used ?? this.#used;
    if (bytes > limits.messageBytes) this.close(CLOSE.tooLarge);
    else if (used === null) this.close(CLOSE.rate);
  }

  drained(): void {
    this.#seat?.drained();
    this.#sent();
  }

  closed(code: number): void {
    this.socket = null;
    this.#heartbeat.remove(this);
    this.#leave();
    this.#pass.over(this);
    this.#seat?.leave();
    this.#depart?.();
    this.#parts.observer.connections('websocket', -1);
    this.#parts.observer.closed(code);
  }

  signOfLife(): void {
    this.socket?.ping();
  }

  get format() {
    return 'message' as const;
  }

  /** A viewer that named a token knows this protocol's mark; wikirecent's own clients do not. */
  get replaceable(): boolean {
    return this.#from !== undefined;
  }

  /** The viewer gets its first message. */
  #join(): void {
    const channel = this.#parts.source.get(this.#view);
    if (channel === undefined) {
      this.close(CLOSE.viewGone);
      return;
    }
    this.#seat = channel.join(this, this.#from);
    this.#sent();
  }

  /** The place is another's as soon as the first message has left the process. */
  #sent(): void {
    if (this.#seat !== null && this.bufferedBytes() < this.#parts.limits.placeBytes) this.#leave();
  }

  #leave(): void {
    this.#leavePlace?.();
    this.#leavePlace = null;
  }
}
