import { connect, type Socket } from 'node:net';
import { type HttpResponse, type Listening, listen, makeApp, type TemplatedApp } from './uws.ts';

/**
 * Does what must not be done outside of a cork, such as a handshake that is completed later than in
 * the turn of its request. uWebSockets 20 prints a warning when that is done outside, and inside
 * `response.cork` it looks at the new socket as if it were still the response, and may close it. It
 * is content when another response is corked: here that of a request which this process asks of
 * itself once and never answers.
 */
export class Cork {
  readonly #app: TemplatedApp;
  readonly #socket: Socket;
  #response: HttpResponse | null = null;

  /** @throws {ListenError} when 127.0.0.1 has no free port. */
  constructor() {
    this.#app = makeApp();
    this.#app.get('/', (response) => {
      response.onAborted(() => {
        this.#response = null;
      });
      this.#response = response;
      listening.stop();
    });
    const listening: Listening = listen(this.#app, '127.0.0.1', 0);
    this.#socket = connect(listening.port, '127.0.0.1');
    this.#socket.on('error', () => {});
    this.#socket.unref();
    this.#socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  }

  /** Whether it stands: a moment after it was made. */
  get ready(): boolean {
    return this.#response !== null;
  }

  /** Runs `run` now; outside of any cork while this one is not ready. */
  run(run: () => void): void {
    if (this.#response === null) run();
    else this.#response.cork(run);
  }

  close(): void {
    this.#socket.destroy();
    this.#app.close();
  }
}
