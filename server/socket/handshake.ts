import { sendReply } from '../reply.ts';
import { type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse, SocketContext } from '../uws.ts';
import { type Refusal, refuseOrigin } from './refusal.ts';
import type { StreamParts } from './stream-source.ts';

/** A request to become a WebSocket, of a page that may ask. */
export interface Handshake<UserData> {
  readonly request: Request;
  /** Answers with a refusal instead; like `complete` now or later, but once. */
  refuse(refusal: Refusal): void;
  /** Completes it (RFC 6455 §4.2.2); the library copies `data` onto the socket. */
  complete(data: UserData): void;
}

/**
 * Begins a handshake. `admit` lets it in or refuses it, at once or later, and returns what withdraws
 * it: that is called when the connection goes before.
 */
export function beginHandshake<UserData>(
  sockets: Pick<StreamParts, 'admitOrigin' | 'corked' | 'observer'>,
  response: HttpResponse,
  raw: HttpRequest,
  context: SocketContext,
  admit: (handshake: Handshake<UserData>) => () => void,
): void {
  let withdraw: () => void = () => {};
  response.onAborted(() => withdraw());
  const request = readRequest(raw, response);
  const { headers } = request;
  const refuse = ({ reason, reply }: Refusal): void => {
    sockets.observer.refused(reason);
    response.cork(() => sendReply(response, reply, false));
  };
  const refusal = refuseOrigin(sockets, headers);
  if (refusal !== null) {
    refuse(refusal);
    return;
  }
  const complete = (data: UserData): void =>
    sockets.corked(() =>
      response.upgrade(
        data,
        headers.get('sec-websocket-key') ?? '',
        headers.get('sec-websocket-protocol') ?? '',
        headers.get('sec-websocket-extensions') ?? '',
        context,
      ),
    );
  withdraw = admit({ request, refuse, complete });
}
