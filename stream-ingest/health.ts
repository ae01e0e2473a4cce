import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InputState } from './arrival.ts';

/** How it goes, for those who watch over the process from outside. */
export class Health {
  #isOpen = false;
  /** Why the output is away; null when it is not. */
  #away: string | null = null;
  #input: InputState | null = null;

  /** The output is there and was read: changes can be written. */
  opened(): void {
    this.#isOpen = true;
  }

  away(reason: string | null): void {
    this.#away = reason;
  }

  input(state: InputState): void {
    this.#input = state;
  }

  /** Ready is who can write what comes; an input that is away is told, and no fault of this process. */
  get ready(): boolean {
    return this.#isOpen && this.#away === null;
  }

  toJSON(): object {
    const waiting = this.#isOpen ? this.#away : 'the output is not open yet';
    return { ready: this.ready, input: this.#input, ...(waiting === null ? {} : { waiting }) };
  }
}

/** A server of health. */
export interface HealthServer {
  readonly port: number;
  close(): void;
}

/**
 * Answers `GET /livez`, and `GET /readyz` with 200 or 503.
 *
 * @throws the socket's error when the port cannot be had.
 */
export async function serveHealth(
  health: Health,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const isReady = request.url === '/readyz';
    const status = isReady ? (health.ready ? 200 : 503) : request.url === '/livez' ? 200 : 404;
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(isReady ? health : { live: status === 200 })}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // It alone keeps no process alive.
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
