import type { Socket } from 'node:net';
import { type Engine, EngineError } from './engine.ts';
import { setInBackend } from './session/commands.ts';
import type { Sink } from './session/outbound.ts';
import { Session, type SessionOptions } from './session/session.ts';
import {
  AUTHENTICATION_OK,
  backendKeyData,
  errorResponse,
  negotiateVersion,
  parameterStatus,
  readyForQuery,
} from './wire/backend.ts';
import { FrameReader } from './wire/frames.ts';
import { parseMessage, parseStartup, type StartupMessage } from './wire/frontend.ts';

export interface ConnectionLimits extends SessionOptions {
  /** How long a client may take to say who it is, in ms. */
  readonly startupMs: number;
  /** The longest message that is read, in bytes. */
  readonly maxFrameBytes: number;
}

/** What a connection asks of the others. */
export interface Connections {
  cancel(processId: number, secret: number): void;
}

/**
 * A client's socket: start-up, then a session. Bytes that are no PostgreSQL end this connection with
 * FATAL 08P01 and nothing else.
 */
export class Connection {
  /** Resolves when the socket is closed and the session has given everything back. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #id: { readonly processId: number; readonly secret: number };
  readonly #connections: Connections;
  readonly #limits: ConnectionLimits;
  readonly #session: Session;
  readonly #reader: FrameReader;
  #phase: 'startup' | 'starting' | 'session' | 'over' = 'startup';

  constructor(
    engine: Engine,
    socket: Socket,
    id: { readonly processId: number; readonly secret: number },
    connections: Connections,
    limits: ConnectionLimits,
  ) {
    this.#socket = socket;
    this.#id = id;
    this.#connections = connections;
    this.#limits = limits;
    this.#reader = new FrameReader(limits.maxFrameBytes);
    const valve = { pause: () => socket.pause(), resume: () => socket.resume() };
    this.#session = new Session(engine, sinkOf(socket), valve, limits);
    this.closed = this.#serve();
  }

  /** Cancels the running statement when the secret is right. */
  cancel(secret: number): void {
    if (secret === this.#id.secret) this.#session.cancel();
  }

  /** Ends it as an administrator does. */
  async end(): Promise<void> {
    this.#fatal(new EngineError('57P01', 'terminating connection due to administrator command'));
    await this.closed;
  }

  async #serve(): Promise<void> {
    const socket = this.#socket;
    let started = (_begun: boolean): void => {};
    const startup = new Promise<boolean>((resolve) => {
      started = resolve;
    });
    const timer = setTimeout(() => socket.destroy(), this.#limits.startupMs);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk) => this.#receive(chunk, () => started(true)));
    socket.on('end', () => this.#session.inbox.close());
    socket.once('close', () => {
      this.#session.inbox.close();
      started(false);
    });
    const begun = await startup;
    clearTimeout(timer);
    if (begun) {
      await this.#session.run();
      this.#phase = 'over';
      socket.end(() => socket.destroy());
      lingerNoLonger(socket);
    }
    await gone;
  }

  #receive(chunk: Uint8Array, started: () => void): void {
    if (this.#phase === 'over') return;
    this.#reader.push(chunk);
    try {
      while (this.#phase === 'startup') {
        const packet = this.#reader.nextStartup();
        if (packet === undefined) return;
        this.#startUp(parseStartup(packet), started);
      }
      if (this.#phase === 'session') this.#readMessages();
    } catch (error) {
      this.#fatal(asEngineError(error));
    }
  }

  #readMessages(): void {
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      this.#session.inbox.push(parseMessage(frame), frame.body.byteLength + 5);
    }
  }

  #startUp(message: StartupMessage, started: () => void): void {
    switch (message.type) {
      case 'ssl-request':
      case 'gss-request':
        this.#socket.write('N');
        return;
      case 'cancel':
        this.#phase = 'over';
        this.#connections.cancel(message.processId, message.secret);
        this.#socket.end(() => this.#socket.destroy());
        return;
      case 'startup':
        this.#phase = 'starting';
        this.#welcome(message)
          .then(() => {
            if (this.#phase !== 'starting') return;
            this.#phase = 'session';
            started();
            this.#readMessages();
          })
          .catch((error: unknown) => this.#fatal(asEngineError(error)));
    }
  }

  async #welcome(message: Extract<StartupMessage, { type: 'startup' }>): Promise<void> {
    const unknown = [...message.parameters.keys()].filter((name) => name.startsWith('_pq_.'));
    const { context, settings } = this.#session;
    const { out } = context;
    for (const [name, value] of startSettings(message.parameters)) {
      settings.check(name, value);
      if (!settings.owns(name)) await setInBackend(context, name, value, false);
      settings.set(name, value, false);
    }
    if (message.minorVersion > 0 || unknown.length > 0) out.send(negotiateVersion(unknown));
    out.send(
      AUTHENTICATION_OK,
      ...settings.reported().map((reported) => parameterStatus(...reported)),
      backendKeyData(this.#id.processId, this.#id.secret),
      readyForQuery('I'),
    );
    out.flush();
  }

  #fatal(error: EngineError): void {
    if (this.#socket.destroyed) return;
    this.#phase = 'over';
    this.#session.inbox.close();
    this.#socket.end(errorResponse(error, 'FATAL'), () => this.#socket.destroy());
    lingerNoLonger(this.#socket);
  }
}

/** How long a peer that does not read may keep a socket that is closed for it. */
const LINGER_MS = 1000;

function lingerNoLonger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function sinkOf(socket: Socket): Sink {
  return {
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    drained: () =>
      new Promise((resolve) => {
        if (!socket.writableNeedDrain || socket.destroyed) return resolve();
        const done = (): void => {
          socket.off('drain', done);
          socket.off('close', done);
          resolve();
        };
        socket.on('drain', done);
        socket.on('close', done);
      }),
  };
}

const NOT_SETTINGS = new Set(['user', 'database', 'options', 'replication']);

/** The settings in a start-up packet, `options` (`-c name=value`) included. */
function startSettings(parameters: ReadonlyMap<string, string>): [string, string][] {
  const options = [...(parameters.get('options') ?? '').matchAll(/(?:-c\s*|--)([\w.]+)=(\S*)/g)];
  return [
    ...options.map(([, name, value]): [string, string] => [name ?? '', value ?? '']),
    ...[...parameters].filter(([name]) => !NOT_SETTINGS.has(name) && !name.startsWith('_pq_.')),
  ].map(([name, value]) => [name.toLowerCase(), value]);
}

function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError('XX000', `the connection failed: ${String(error)}`);
}
