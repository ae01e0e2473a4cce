import { CLOSE } from '../../protocol/close.ts';
import type { Frontier } from '../../protocol/update.ts';
import { EXAMPLE_TOPIC, type Item, inventedCall, NEWEST_VIEW } from '../example-items.ts';
import { RateLimit } from '../rate-limit.ts';
import type {
  HttpRequest,
  HttpResponse,
  SocketContext,
  WebSocket,
  WebSocketBehavior,
} from '../uws.ts';
import {
  archivedMessage,
  errorMessage,
  itemsMessage,
  itemsSince,
  parseExampleRequest,
  resultMessage,
} from './example-message.ts';
import { beginHandshake } from './handshake.ts';
import type { TakeMessage } from './session-parts.ts';
import { endSocket } from './socket-end.ts';
import type { Closable, Pass, StreamParts } from './stream-source.ts';

export interface ExampleSocketParts {
  readonly sockets: Pick<
    StreamParts,
    'admitOrigin' | 'admitConnection' | 'corked' | 'enter' | 'observer' | 'limits' | 'nowMs'
  >;
  readonly submit: TakeMessage;
  readonly addressOf: (peer: string, headers: ReadonlyMap<string, string>) => string;
  /** The newest messages as they are listed now. */
  readonly items: () => readonly Item[];
  /** Runs when the items that were pushed have come so far. */
  readonly whenListed: (frontier: Frontier, run: () => void) => void;
  readonly random: () => number;
}

interface Talker {
  readonly address: string;
  readonly pass: Pass;
  readonly depart: (() => void) | null;
  /** Of its rate limit. */
  used: number;
  /** Ends the listening to what was sent. */
  readonly stops: Set<() => void>;
  closable: Closable | null;
  over: boolean;
}

type Socket = WebSocket<Talker>;

/** All who are told of what is archived. */
export const EXAMPLE_ITEMS = 'example items';

/**
 * `ws /example/ws/`: the example system's two-way socket, whose own client works unchanged. The
 * whole newest 20 are pushed, too, whenever something is archived.
 */
export function exampleSockets(parts: ExampleSocketParts): WebSocketBehavior<Talker> {
  const { limits, observer } = parts.sockets;
  const rate = new RateLimit(limits.messagesPerSecond, limits.messageBurst);
  return {
    idleTimeout: limits.idleSeconds,
    sendPingsAutomatically: true,
    maxBackpressure: limits.fuseBytes,
    closeOnBackpressureLimit: true,
    maxPayloadLength: 4 * limits.messageBytes,
    upgrade: (response, request, context) => upgrade(parts, response, request, context),
    open: (socket) => {
      const talker = socket.getUserData();
      observer.connections('websocket', 1);
      if (talker.depart === null) {
        endSocket(socket, CLOSE.tooManyConnections);
        return;
      }
      talker.closable = { close: (reason) => endSocket(socket, reason) };
      talker.pass.opened(talker.closable);
      socket.subscribe(EXAMPLE_ITEMS);
    },
    message: (socket, message, isBinary) => {
      if (message.byteLength > limits.messageBytes) {
        endSocket(socket, CLOSE.tooLarge);
        return;
      }
      hear(parts, rate, socket, isBinary ? null : Buffer.from(message).toString());
    },
    dropped: () => observer.dropped(),
    close: (socket, code) => {
      const talker = socket.getUserData();
      talker.over = true;
      for (const stop of talker.stops) stop();
      if (talker.closable !== null) talker.pass.over(talker.closable);
      talker.depart?.();
      observer.connections('websocket', -1);
      observer.closed(code);
    },
  };
}

function upgrade(
  parts: ExampleSocketParts,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
): void {
  const { sockets } = parts;
  beginHandshake<Talker>(sockets, response, raw, context, ({ request, refuse, complete }) => {
    const { headers, peer } = request;
    return sockets.enter(request, {
      refused: refuse,
      admitted: (pass) => {
        const unseen = pass.forbidsView(NEWEST_VIEW);
        if (unseen !== null) {
          refuse(unseen);
          return;
        }
        complete({
          address: parts.addressOf(peer, headers),
          pass,
          depart: sockets.admitConnection(peer, headers),
          used: 0,
          stops: new Set(),
          closable: null,
          over: false,
        });
      },
    });
  });
}

function hear(
  parts: ExampleSocketParts,
  rate: RateLimit,
  socket: Socket,
  text: string | null,
): void {
  const talker = socket.getUserData();
  const say = (message: string): void => {
    if (!talker.over) socket.send(message, false, false);
  };
  const used = rate.take(talker.used, parts.sockets.nowMs());
  if (used === null) {
    say(errorMessage('messages come faster than they are taken: not done'));
    return;
  }
  talker.used = used;
  const request = parseExampleRequest(text);
  if (typeof request === 'string') say(errorMessage(request));
  else if (request.action === 'list') {
    say(itemsMessage(itemsSince(parts.items(), request.sinceMs)));
  } else if (talker.pass.forbidsTopic(EXAMPLE_TOPIC) !== null) {
    say(errorMessage(`the token does not allow messages to ${EXAMPLE_TOPIC}`));
  } else send(parts, talker, request, say);
}

function send(
  parts: ExampleSocketParts,
  talker: Talker,
  { value: typed, id }: { readonly value: string; readonly id: string | null },
  say: (message: string) => void,
): void {
  const value = typed === '' ? inventedCall(parts.random) : typed;
  const message = { topic: EXAMPLE_TOPIC, id: id ?? crypto.randomUUID(), value: { value } };
  let open = true;
  const over = (): void => {
    open = false;
    if (stop !== null) talker.stops.delete(stop);
  };
  let stop: (() => void) | null = null;
  stop = parts.submit(message, talker.address, {
    accepted: () => say(resultMessage(value, id)),
    archived: (timestamp) => {
      over();
      if (id === null) return;
      parts.whenListed(timestamp, () => say(archivedMessage(id, timestamp)));
    },
    refused: ({ message: why }) => {
      over();
      say(errorMessage(why));
    },
  });
  if (open) talker.stops.add(stop);
}
