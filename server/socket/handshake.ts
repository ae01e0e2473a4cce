import type { Request } from '../request.ts';
import type { HttpResponse, SocketContext } from '../uws.ts';

/** Completes a WebSocket handshake (RFC 6455 §4.2.2); to be called in a cork. */
export function upgradeSocket<UserData>(
  response: HttpResponse,
  context: SocketContext,
  headers: Request['headers'],
  data: UserData,
): void {
  response.upgrade(
    data,
    headers.get('sec-websocket-key') ?? '',
    headers.get('sec-websocket-protocol') ?? '',
    headers.get('sec-websocket-extensions') ?? '',
    context,
  );
}
