/** What is heard of a socket. Nothing is, once the client has closed it. */
export interface SocketListener {
  opened(): void;
  message(text: string): void;
  /** The other side or the network ended it; the last call. */
  closed(code: number, reason: string): void;
}

/** The client's end of a socket. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Opens a WebSocket of the browser or of Node. */
export function openWebSocket(url: string, listener: SocketListener): Socket {
  const socket = new WebSocket(url);
  const silence = new AbortController();
  const { signal } = silence;
  socket.addEventListener('open', () => listener.opened(), { signal });
  socket.addEventListener('message', ({ data }) => listener.message(String(data)), { signal });
  socket.addEventListener('close', ({ code, reason }) => listener.closed(code, reason), { signal });
  return {
    send: (text) => socket.send(text),
    close() {
      silence.abort();
      // Node reports an unfinished handshake as an error event, which must have a listener.
      socket.addEventListener('error', () => {});
      socket.close();
    },
  };
}
