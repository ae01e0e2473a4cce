import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { listen, makeApp } from '../../../server/uws.ts';
import { messageOf } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';
import { listenOnFreePort } from './free-port.ts';

/** WebSocket only, no compression, and no ping within a run. */
const OPTIONS = {
  transports: ['websocket'],
  perMessageDeflate: false,
  pingInterval: 600_000,
  serveClient: false,
} as const;

/** Socket.IO in front of Node's http and `ws`. */
export async function startSocketIo(): Promise<Candidate> {
  const http = createServer();
  const server = new Server(http, { ...OPTIONS, transports: [...OPTIONS.transports] });
  return candidate(server, await listenOnFreePort(http));
}

/** Socket.IO on uWebSockets, which publishes by topics. */
export async function startSocketIoOnUws(): Promise<Candidate> {
  const app = makeApp();
  const server = new Server({ ...OPTIONS, transports: [...OPTIONS.transports] });
  server.attachApp(app);
  return candidate(server, listen(app, '127.0.0.1', 0).port);
}

function candidate(server: Server, port: number): Candidate {
  const numbers = new BatchNumbers();
  const path = '/socket.io/?EIO=4&transport=websocket';
  return {
    // The handshakes of Engine.IO and of Socket.IO.
    access: { protocol: 'socket.io', port, path, greeting: 2, check: 'single', merges: false },
    publish: (batches) => {
      for (const n of numbers.next(batches)) server.emit('batch', messageOf(n));
    },
    close: () => {
      void server.close();
    },
  };
}
