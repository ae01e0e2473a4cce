import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

const SSL_REQUEST = 80877103;

/** A key and a certificate of it, as PEM. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
}

/**
 * For tests: a door of TLS and a password in front of a PostgreSQL server that has neither, as
 * Materialize has them: SSLRequest is answered `S`, plain connections are refused, and the password
 * is asked for in clear text within TLS.
 */
export class TlsDoor {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(inside: URL, certified: Certified, password: string): Promise<TlsDoor> {
    const secureContext = createSecureContext(certified);
    const server = createServer((outer) => {
      outer.on('error', () => {});
      outer.once('data', (request) => {
        if (request.readInt32BE(4) !== SSL_REQUEST) {
          outer.end(error('28000', 'TLS is required'));
          return;
        }
        outer.write('S');
        const secure = new TLSSocket(outer, { isServer: true, secureContext });
        secure.on('error', () => outer.destroy());
        secure.once('data', (startup) => ask(secure, startup, password, inside));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TlsDoor(server);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Asks for the password, then lets everything through. */
function ask(outer: Socket, startup: Buffer, password: string, inside: URL): void {
  const cleartextPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
  outer.write(cleartextPassword);
  outer.once('data', (answer) => {
    if (answer.toString('utf8', 5, answer.length - 1) !== password) {
      outer.end(error('28P01', 'invalid password'));
      return;
    }
    const inner = connect(Number(inside.port), inside.hostname);
    inner.on('error', () => outer.destroy());
    outer.on('close', () => inner.destroy());
    inner.write(startup);
    outer.pipe(inner).pipe(outer);
  });
}

function error(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
