import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * What stands between a viewer and a server on some networks: WebSockets refused or never answered,
 * responses held back. Also cuts, counts and damages what passes.
 */
export class HttpProxy {
  /** What becomes of a request for a WebSocket: `mute` answers nothing, ever. */
  upgrades: 'pass' | 'refuse' | 'mute' = 'pass';
  /** While true, nothing below `/api/` is answered, as when the server is gone. */
  away = false;
  /** A response of such a content type is held back until it is whole, as a stream never is. */
  holds: string | null = null;
  /** Whatever a WebSocket brings to the viewer passes through here. */
  alter: (bytes: Buffer) => Buffer = (bytes) => bytes;
  /** WebSockets and streams that came to be. */
  opened = 0;
  readonly #port: number;
  readonly #open = new Set<Duplex>();
  readonly #server = createServer((incoming, response) => this.#forward(incoming, response));

  /** @param port of the server behind, on 127.0.0.1 */
  constructor(port: number) {
    this.#port = port;
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
  }

  /** Listens on a free port, or the one given; the address. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
    return `http://127.0.0.1:${address.port}/`;
  }

  /** Cuts every connection without a goodbye. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #keep(socket: Duplex): void {
    this.#open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#open.delete(socket));
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url: path, headers } = incoming;
    if (this.away && path?.startsWith('/api/')) {
      response.destroy();
      return;
    }
    const onward = request({ host: '127.0.0.1', port: this.#port, method, path, headers });
    onward.on('response', (answer) => {
      const type = answer.headers['content-type'] ?? '';
      const begin = () => response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      if (this.holds !== null && type.startsWith(this.holds)) {
        const held: Buffer[] = [];
        answer.on('data', (bytes: Buffer) => held.push(bytes));
        answer.on('end', () => begin().end(Buffer.concat(held)));
        return;
      }
      if (/event-stream|ndjson/.test(type)) this.opened += 1;
      begin().flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  #upgrade({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.away) {
      socket.destroy();
      return;
    }
    if (this.upgrades === 'mute') return;
    if (this.upgrades === 'refuse') {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const onward: Socket = connect(this.#port, '127.0.0.1', () => {
      this.opened += 1;
      const fields = rawHeaders.map((text, n) => (n % 2 === 0 ? `${text}: ` : `${text}\r\n`));
      onward.write(`${method} ${url} HTTP/1.1\r\n${fields.join('')}\r\n`);
      onward.write(head);
      socket.pipe(onward);
      onward.on('data', (bytes) => socket.write(this.alter(bytes)));
    });
    this.#keep(onward);
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }
}
