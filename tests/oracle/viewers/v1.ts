import { WebSocket } from 'ws';
import type { Kind, Link, Opening } from './kind.ts';
import { V1Line } from './v1-line.ts';
import { readV1, type V1Error, type V1Message } from './v1-message.ts';

/** Errors that a restart or a new store of the database explains. */
const PASSING = new Set([
  'unavailable',
  'unknown_view',
  'unknown_column',
  'view_gone',
  'overloaded',
]);
const RATES_MS = [null, null, 0, 100, 700];

/** `ws /api/v1`, spoken by hand: groups, filters, rates, resuming, acknowledging. */
export const v1: Kind = {
  name: 'v1',
  isResuming: true,
  isGrouped: true,
  isFiltered: true,
  open: (opening) => new V1Connection(opening),
};

class V1Connection implements Link {
  readonly #opening: Opening;
  readonly #socket: WebSocket;
  readonly #everyMs: number | null;
  #line: V1Line;
  #from: ReturnType<V1Line['from']>;
  #lastId = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(opening: Opening) {
    this.#opening = opening;
    this.#everyMs = opening.random.pick(RATES_MS);
    this.#line = new V1Line(opening.holdings);
    this.#socket = new WebSocket(`ws://${opening.host}:${opening.port}/api/v1`, {
      perMessageDeflate: false,
    });
    this.#socket.on('open', () => {
      this.#subscribe();
      this.#changeMindLater();
    });
    this.#socket.on('message', (data) => this.#message(String(data)));
    this.#socket.on('error', () => {});
    this.#socket.on('close', (code, reason) =>
      this.#over(() => opening.closed(`${code} ${reason}`)),
    );
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#over(() => {});
  }

  #over(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.terminate();
    tell();
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #subscribe(): void {
    const { holdings } = this.#opening;
    this.#lastId++;
    this.#line = new V1Line(holdings);
    this.#from = this.#line.from();
    for (const holding of holdings) holding.visit();
    this.#send({
      type: 'subscribe',
      id: `line ${this.#lastId}`,
      views: holdings.map(({ question }) => question),
      ...(this.#from === undefined ? {} : { from: this.#from }),
      ...(this.#everyMs === null ? {} : { everyMs: this.#everyMs }),
    });
  }

  /** Now and then it unsubscribes, and goes on under another id. */
  #changeMindLater(): void {
    this.#timer = setTimeout(
      () => {
        this.#send({ type: 'unsubscribe', id: `line ${this.#lastId}` });
        this.#subscribe();
        this.#changeMindLater();
      },
      this.#opening.random.integer(1_000, 9_000),
    );
  }

  #message(text: string): void {
    if (this.#isOver) return;
    try {
      this.#take(readV1(text));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#over(() => this.#opening.failed(failure));
    }
  }

  #take(message: V1Message): void {
    switch (message.type) {
      case 'subscribed':
        if (message.id === `line ${this.#lastId}`) {
          this.#line.begin(message, this.#from);
          this.#from = undefined;
        }
        break;
      case 'batch':
        if (this.#line.owns(message.channel))
          this.#acknowledge(message.channel, this.#line.batch(message));
        break;
      case 'progress':
        if (this.#line.owns(message.channel)) this.#line.progress(message);
        break;
      case 'error':
        this.#error(message);
        break;
      case 'hello':
      case 'status':
        break;
    }
  }

  #acknowledge(channel: number, upper: number | null): void {
    if (upper !== null) this.#send({ type: 'ack', channel, upper });
  }

  #error({ code, id }: V1Error): void {
    if (!PASSING.has(code)) throw new Error(`the server answers ${code} to ${id}`);
    if (id === `line ${this.#lastId}`) this.#over(() => this.#opening.closed(code));
  }
}
