import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { serverFrame } from '../frame-reader.ts';
import { messageText } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';
import { listenOnFreePort } from './free-port.ts';

/** `ws` as its documentation shows a broadcast: one send for each client and message. */
export async function startWs(): Promise<Candidate> {
  const clients = new Set<WebSocket>();
  return await serve(
    (client) => {
      clients.add(client);
      client.on('close', () => clients.delete(client));
    },
    (texts) => {
      for (const text of texts) {
        for (const client of clients) client.send(text);
      }
    },
  );
}

/** `ws` for the handshake; a tick's frames are made once, joined, and written once per client. */
export async function startJoinedWs(): Promise<Candidate> {
  const sockets = new Set<Socket>();
  return await serve(
    (client, socket) => {
      sockets.add(socket);
      client.on('close', () => sockets.delete(socket));
    },
    (texts) => {
      const bytes = Buffer.concat(texts.map(serverFrame));
      for (const socket of sockets) socket.write(bytes);
    },
  );
}

async function serve(
  joined: (client: WebSocket, socket: Socket) => void,
  publish: (texts: readonly string[]) => void,
): Promise<Candidate> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on('connection', (client, request) => {
    client.on('error', () => {});
    joined(client, request.socket);
  });
  const port = await listenOnFreePort(http);
  const numbers = new BatchNumbers();
  return {
    access: { protocol: 'websocket', port, path: '/', greeting: 0, check: 'single', merges: false },
    publish: (batches) => publish(numbers.next(batches).map(messageText)),
    close: () => http.close(),
  };
}
