import type { Request } from '../request.ts';
import type { HttpResponse, SocketContext } from '../uws.ts';

/**
 * Completes a WebSocket handshake (RFC 6455 §4.2.2), in the turn of its request or later. Not within
 * `response.cork`: where that is not already in force, uWebSockets 20 looks at the new socket as if it
 * were still a response, and may close it. Late handshakes so make the library warn on stderr.
 */
export function upgradeSocket<Viewer>(
  response: HttpResponse,
  context: SocketContext,
  headers: Request['headers'],
  viewer: Viewer,
): void {
  response.upgrade(
    viewer,
    headers.get('sec-websocket-key') ?? '',
    headers.get('sec-websocket-protocol') ?? '',
    headers.get('sec-websocket-extensions') ?? '',
    context,
  );
}
