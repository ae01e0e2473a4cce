/** What is heard of a socket. Nothing is, once the client has closed it. */
export interface SocketListener {
  /** The server has spoken: it may be spoken to. */
  opened(): void;
  message(text: string): void;
  /** The other side or the network ended it; the last call. */
  closed(code: number, reason: string): void;
}

/** The client's end of a connection. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Begins a connection to a server. */
export type Open = (url: string, listener: SocketListener) => Socket;

/** Opens a WebSocket of the browser or of Node. */
export const openWebSocket: Open = (url, listener) => {
  const socket = new WebSocket(url);
  let over = false;
  let spoken = false;
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    if (over) return;
    // An open WebSocket proves little: some proxies answer the upgrade and pass nothing on.
    if (!spoken) listener.opened();
    spoken = true;
    listener.message(String(data));
  };
  // A handshake that fails ends in Node without a close: an error, which has no code.
  const lost = ({ code = 1006, reason = '' }: { code?: number; reason?: string }) => {
    if (!over) listener.closed(code, reason);
    over = true;
  };
  socket.onclose = lost;
  socket.onerror = () => lost({});
  return {
    send: (text) => socket.send(text),
    close() {
      over = true;
      socket.close();
    },
  };
};
