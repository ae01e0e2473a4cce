import { type CloseCode, closeReason } from '../../protocol/close.ts';
import type { WebSocket } from '../uws.ts';

/**
 * Our end of one WebSocket, as channels and sessions use it. There may be ten thousand idle ones:
 * what speaks through it extends it, so that each is one object.
 */
export abstract class SocketEnd<UserData> {
  /** Null before it is open and after its close: nothing may touch it then, late calls do nothing. */
  protected socket: WebSocket<UserData> | null = null;

  send(bytes: Uint8Array | string): void {
    this.socket?.send(bytes, false, false);
  }

  bufferedBytes(): number {
    return this.socket?.getBufferedAmount() ?? 0;
  }

  enter(topic: string): void {
    this.socket?.subscribe(topic);
  }

  leave(topic: string): void {
    // Whatever is sent takes along what was published in this turn and is still held back.
    this.socket?.ping();
    this.socket?.unsubscribe(topic);
  }

  close(reason: CloseCode): void {
    const { socket } = this;
    this.socket = null;
    if (socket !== null) endSocket(socket, reason);
  }
}

/** Closes a socket with a code that says whether and when to come back (PROTOCOL.md). */
export function endSocket<UserData>(socket: WebSocket<UserData>, reason: CloseCode): void {
  socket.end(reason.code, closeReason(reason, reason.retryMs > 0 ? reason.retryMs : undefined));
}
