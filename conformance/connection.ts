import { WebSocket } from 'ws';
import { CLOSE, type CloseCode } from '../protocol/close.ts';
import type { ClientMessage, ServerMessage, Subscribe } from '../protocol/message.ts';
import { Rule } from './rule.ts';
import type { Holding, Track } from './track.ts';
import { Watch } from './watch.ts';

/** How a connection ended. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** How to connect. */
export interface ConnectionOptions {
  /** Whatever is awaited must come within so many milliseconds. */
  readonly patienceMs: number;
  readonly origin?: string | undefined;
  /** Whether pings are answered. */
  readonly pongs?: boolean | undefined;
}

/** A connection of the runner: says anything, hears everything, holds the server to all rules. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #patienceMs: number;
  readonly #watch = new Watch();
  readonly #heard: ServerMessage[] = [];
  readonly #waiting = new Set<() => void>();
  #ended: Ended | null = null;
  #broken: unknown = null;
  #ids = 0;

  private constructor(socket: WebSocket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    socket.on('message', (data, isBinary) => this.#hear(String(data), isBinary));
    socket.on('close', (code, reason) => {
      this.#ended = { code, reason: String(reason) };
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** @throws {Rule} when there is no WebSocket at the url. */
  static async open(url: string, options: ConnectionOptions): Promise<Connection> {
    const { origin, pongs = true, patienceMs } = options;
    const socket = new WebSocket(url, {
      autoPong: pongs,
      perMessageDeflate: false,
      handshakeTimeout: patienceMs,
      ...(origin === undefined ? {} : { origin }),
    });
    const connection = new Connection(socket, patienceMs);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', ({ message }) =>
        reject(new Rule('Connecting', `a WebSocket at ${url}`, message)),
      );
    });
    return connection;
  }

  get ended(): Ended | null {
    return this.#ended;
  }

  /** All that was heard, oldest first. */
  get heard(): readonly ServerMessage[] {
    return this.#heard;
  }

  say(message: ClientMessage): void {
    if (message.type === 'submit') this.#watch.submitted(message);
    if (message.type === 'auth') this.#watch.authorizing();
    if (message.type === 'unsubscribe') this.#watch.left(message.id);
    this.#socket.send(JSON.stringify(message));
  }

  /** Says whatever it is: a text, or with a buffer a binary message. */
  sayRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  /** Asks for a subscription, under a new id unless one is given, without waiting. */
  ask(request: Omit<Subscribe, 'type' | 'id'> & { readonly id?: string }, seed?: Holding): Track {
    this.#ids += 1;
    const message: Subscribe = { type: 'subscribe', id: `k${this.#ids}`, ...request };
    const track = this.#watch.asked(message, seed);
    this.say(message);
    return track;
  }

  /** Asks for a subscription and waits until its first batch is whole. */
  async subscribe(...request: Parameters<Connection['ask']>): Promise<Track> {
    const since = this.#heard.length;
    const track = this.ask(...request);
    const { id } = track.request;
    await this.until(`the first batch of ${id}`, () => {
      const answers = this.#heard.slice(since);
      const refused = answers.find((one) => one.type === 'error' && one.id === id);
      if (refused !== undefined) throw new Rule('subscribe', 'a subscription', refused);
      return track.frontier !== null;
    });
    return track;
  }

  /** The first message that was or will be heard from `since` on and fits. */
  async hear<T extends ServerMessage['type']>(
    type: T,
    fits: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
    since = 0,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    const is = (message: ServerMessage): message is Extract<ServerMessage, { type: T }> =>
      message.type === type;
    const find = () => this.#heard.slice(since).find((message) => is(message) && fits(message));
    await this.until(`\`${type}\``, () => find() !== undefined);
    const found = find();
    if (found === undefined || !is(found)) throw new Rule(type, 'it', found);
    return found;
  }

  /** Waits until `holds`. @throws {Rule} when it does not in time, or the connection ends. */
  async until(what: string, holds: () => boolean, limitMs = this.#patienceMs): Promise<void> {
    const end = Date.now() + limitMs;
    for (;;) {
      this.check();
      if (holds()) return;
      if (this.#ended !== null) throw new Rule('Closing', what, this.#ended);
      const left = end - Date.now();
      if (left <= 0) throw new Rule('Patience', `${what} within ${limitMs} ms`, this.#last());
      await this.#news(left);
    }
  }

  /** Lets time pass and listens; ends early when `holds`. */
  async listen(ms: number, holds: () => boolean = () => false): Promise<void> {
    const end = Date.now() + ms;
    for (let left = ms; left > 0 && !holds(); left = end - Date.now()) {
      this.check();
      if (this.#ended !== null) throw new Rule('Closing', 'an open connection', this.#ended);
      await this.#news(left);
    }
    this.check();
  }

  /** Waits for the server to close, and holds it to the code and the reason. */
  async expectClose(close: CloseCode, limitMs = this.#patienceMs): Promise<void> {
    const ended = await this.awaitEnd(limitMs);
    Rule.expect('Closing', `close ${close.code}`, ended.code === close.code, ended);
    const named = new RegExp(`^${close.name}(?: retryMs=\\d{1,6})?$`).test(ended.reason);
    Rule.expect('Closing', `the reason ${close.name}`, named, ended);
  }

  /** Waits for the end, whichever it is. */
  async awaitEnd(limitMs = this.#patienceMs): Promise<Ended> {
    const end = Date.now() + limitMs;
    while (this.#ended === null) {
      this.check();
      const left = end - Date.now();
      if (left <= 0) throw new Rule('Closing', `a close within ${limitMs} ms`, this.#last());
      await this.#news(left);
    }
    this.check();
    return this.#ended;
  }

  /** A broken message is answered so: `bad_message`, then 4002. */
  async expectRefusal(): Promise<void> {
    await this.expectClose(CLOSE.badMessage);
    const said = this.#heard.some((one) => one.type === 'error' && one.code === 'bad_message');
    Rule.expect(
      'Client to server',
      '`error` with `bad_message` before the close',
      said,
      this.#last(),
    );
  }

  /** @throws {Rule} when the server has broken one. */
  check(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  /** Stops reading, or goes on. */
  read(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  close(): void {
    this.#socket.terminate();
  }

  #hear(text: string, isBinary: boolean): void {
    try {
      Rule.expect('Messages', 'text messages', !isBinary, 'a binary one');
      const message = this.#watch.take(text);
      if (message !== null) this.#heard.push(message);
    } catch (error) {
      this.#broken ??= error;
    }
    this.#wake();
  }

  #last(): unknown {
    return this.#heard.length === 0 ? 'silence' : this.#heard.slice(-1);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #news(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, limitMs);
      this.#waiting.add(wake);
    });
  }
}
