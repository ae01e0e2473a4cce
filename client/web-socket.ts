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
  const silence = new AbortController();
  const { signal } = silence;
  let spoken = false;
  const heard = ({ data }: { readonly data: unknown }) => {
    // An open WebSocket proves little: some proxies answer the upgrade and pass nothing on.
    if (!spoken) listener.opened();
    spoken = true;
    listener.message(String(data));
  };
  socket.addEventListener('message', heard, { signal });
  const lost = (code: number, reason: string) => {
    silence.abort();
    listener.closed(code, reason);
  };
  socket.addEventListener('close', ({ code, reason }) => lost(code, reason), { signal });
  // A handshake that fails ends in Node without a close.
  socket.addEventListener('error', () => lost(1006, ''), { signal });
  return {
    send: (text) => socket.send(text),
    close() {
      silence.abort();
      // Node reports an unfinished handshake as an error event, which must have a listener.
      socket.addEventListener('error', () => {});
      socket.close();
    },
  };
};
