import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { type Engine, EngineError } from './engine.ts';
import { Connection, type Connections } from './listener-connection.ts';
import type { Line } from './session/line.ts';
import { errorResponse } from './wire/backend.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The line of Materialize to pose as; the newer one by default. */
  readonly line?: Line | undefined;
  /** How long a transaction may hold the engine between messages; default 10 s. */
  readonly idleTransactionMs?: number | undefined;
  /** How long a client may take to say who it is; default 30 s. */
  readonly startupMs?: number | undefined;
  /** The longest message that is read, in bytes; default 64 MiB. */
  readonly maxFrameBytes?: number | undefined;
  /** More are refused with 53300; default 1,000. */
  readonly maxConnections?: number | undefined;
  /** Told of what should not happen; clients get XX000. */
  readonly onBug?: ((error: unknown) => void) | undefined;
}

export interface Listener {
  /** The port that is listened on. */
  readonly port: number;
  /** Refuses new clients, ends the others (57P01), and resolves when all are gone. */
  close(): Promise<void>;
}

/**
 * Speaks the PostgreSQL protocol for an engine, one session for each connection.
 *
 * @throws the socket's error when the port cannot be had, such as EADDRINUSE.
 */
export async function listen(engine: Engine, options: ListenOptions): Promise<Listener> {
  const limits = {
    line: options.line,
    idleTransactionMs: options.idleTransactionMs ?? 10_000,
    startupMs: options.startupMs ?? 30_000,
    maxFrameBytes: options.maxFrameBytes ?? 64 * 1024 * 1024,
    clock: Date.now,
    onBug: options.onBug ?? (() => {}),
  };
  const maxConnections = options.maxConnections ?? 1000;
  const open = new Map<number, Connection>();
  const connections: Connections = {
    cancel: (processId, secret) => open.get(processId)?.cancel(secret),
  };
  let nextProcessId = 1;
  const accept = (socket: Socket): void => {
    socket.on('error', () => socket.destroy());
    if (open.size >= maxConnections) {
      const message = `there are ${maxConnections} connections already: close some`;
      socket.end(errorResponse(new EngineError('53300', message), 'FATAL'), () => socket.destroy());
      return;
    }
    const id = { processId: nextProcessId++, secret: randomInt(-(2 ** 31), 2 ** 31) };
    const connection = new Connection(engine, socket, id, connections, limits);
    open.set(id.processId, connection);
    void connection.closed.then(() => open.delete(id.processId));
  };
  const server = createServer({ noDelay: true, keepAlive: true }, accept);
  const port = await start(server, options);
  return {
    port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...open.values()].map((connection) => connection.end()));
      await closed;
    },
  };
}

function start(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
