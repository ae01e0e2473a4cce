import { closeAdvice } from '../protocol/close-advice.ts';
import type { ClientMessage, ServerMessage } from '../protocol/message.ts';
import {
  type ConnectionEvent,
  type Effect,
  INITIAL,
  NO_ADVICE,
  type StateName,
  step,
} from './connection.ts';
import { type Environment, WORLD } from './environment.ts';
import { expectThat } from './expect-that.ts';
import type { LineStatus } from './line.ts';
import { RefusedError } from './refused-error.ts';
import { endpoint, type Filters, lineRequest } from './request.ts';
import { Session } from './session.ts';
import { Subscription, type ViewBatch, type ViewTypes, viewBatch } from './subscription.ts';
import type { Talk, Voice } from './talk.ts';
import type { Socket } from './web-socket.ts';

// What the entries beside this one share with it comes from here, so that this one stays whole.
export { RefusedError } from './refused-error.ts';
export { viewBatch } from './subscription.ts';

/** How to connect. */
export interface ClientOptions {
  /** Fetches a token; called before each attempt, and again when most of its life is over. */
  readonly token?: () => Promise<string>;
  /** Told where the connection stands, whenever that changes; `error` as `Client.error`. */
  readonly onConnection?: (state: StateName, error: RefusedError | undefined) => void;
  /**
   * Reads a server's message; null for what is to be ignored. By default its JSON is read, and what
   * cannot be used is found where it would be. `parseServerMessage` checks every field first.
   *
   * @throws when the text breaks the protocol: the connection is made anew.
   */
  readonly parse?: (text: string) => ServerMessage | null;
  /** For tests: another world than the real one. */
  readonly environment?: Environment;
}

/** How to subscribe. */
export interface SubscribeOptions<V extends ViewTypes> {
  /** By view, the values that columns must equal. */
  readonly where?: Filters<V>;
  /** At most one batch in so many milliseconds. */
  readonly everyMs?: number;
  /** Called after the rows moved; the first call brings all of them. */
  readonly onBatch?: (batch: ViewBatch<V>, subscription: Subscription<V>) => void;
  readonly onStatus?: (status: LineStatus) => void;
}

/**
 * A connection to a viewcast server that lives through losses by itself, for as long as it is not
 * closed.
 *
 * @param url of the server, `http(s)` or `ws(s)`; without a path that of the protocol is taken.
 * @throws {TypeError} when the url is none.
 */
export function connect<Views extends ViewTypes = ViewTypes>(
  url: string | URL,
  options: ClientOptions = {},
): Client<Views> {
  return new Client<Views>(url, options);
}

/** What `connect` returns. */
export class Client<Views extends ViewTypes = ViewTypes> {
  readonly #url: string;
  readonly #options: ClientOptions;
  readonly #world: Environment;
  readonly #session: Session;
  readonly #stopWaking: () => void;
  #state = INITIAL;
  #socket: Socket | undefined;
  #token: string | undefined;
  #cancelTimer: () => void = () => {};

  constructor(url: string | URL, options: ClientOptions) {
    this.#url = endpoint(url);
    this.#options = options;
    this.#world = options.environment ?? WORLD;
    this.#session = new Session({
      ...this.#world,
      send: (message) => this.#send(message),
      reauthorize: () => this.#authorize((token) => this.#send({ type: 'auth', token })),
    });
    this.#stopWaking = this.#world.onWake((type) => this.#happen({ type }));
    this.#happen({ type: 'wake' });
  }

  /** Where the connection stands; what is on show does not depend on it. */
  get connection(): StateName {
    return this.#state.name;
  }

  /**
   * What keeps the connection from going on, such as a token that is refused, while it tries again
   * all the same; why the server closed it for good.
   */
  get error(): RefusedError | undefined {
    return this.#session.error;
  }

  /**
   * Follows one or several views as one: their rows always belong to one timestamp.
   *
   * @throws {TypeError} when the client is closed, or `where` names another view.
   */
  subscribe<K extends keyof Views & string>(
    views: K | readonly K[],
    options: SubscribeOptions<Pick<Views, K>> = {},
  ): Subscription<Pick<Views, K>> {
    this.#expectAnswer();
    const line = this.#session.line(lineRequest([views].flat(), options.where, options.everyMs));
    const subscription = new Subscription<Pick<Views, K>>(line, () => this.#session.release(line));
    subscription.follow({
      batch: (applied) => options.onBatch?.(viewBatch(applied), subscription),
      status: (status) => options.onStatus?.(status),
    });
    return subscription;
  }

  /** For what speaks of more than rows, such as `submit`: joining twice is joining once. */
  join(talk: Talk): Voice {
    this.#expectAnswer();
    this.#session.join(talk);
    return {
      say: (message) => this.#session.say(message),
      after: this.#world.after,
    };
  }

  /** Ends all of it for good. */
  close(): void {
    this.#happen({ type: 'stop' });
  }

  /** From here on silence counts, and not the silence of before. */
  #expectAnswer(): void {
    expectThat(this.connection !== 'closed', 'an open client', this.connection);
    if (!this.#session.busy) this.#happen({ type: 'asked' });
  }

  #happen(event: ConnectionEvent): void {
    const before = this.#state.name;
    const next = step(this.#state, event, {
      needsToken: this.#options.token !== undefined,
      random: this.#world.random,
    });
    this.#state = next.state;
    for (const effect of next.effects) this.#do(effect);
    const { name } = next.state;
    if (name === before) return;
    if (name === 'closed') {
      this.#stopWaking();
      this.#session.close();
    }
    this.#options.onConnection?.(name, this.error);
  }

  #do(effect: Effect): void {
    switch (effect) {
      case 'authorize':
        this.#authorize((token) => {
          this.#token = token;
          this.#happen({ type: 'token' });
        });
        break;
      case 'open':
        this.#socket = this.#world.open(this.#url, {
          opened: () => this.#happen({ type: 'opened' }),
          message: (text) => this.#receive(text),
          closed: (code, reason) =>
            this.#happen({ type: 'lost', advice: closeAdvice(code, reason) }),
        });
        break;
      case 'drop':
        this.#socket?.close();
        this.#socket = undefined;
        break;
      case 'up':
        this.#session.connected(this.#token);
        break;
      case 'down':
        this.#session.disconnected();
        break;
      case 'untimer':
        this.#cancelTimer();
        break;
      default:
        this.#cancelTimer();
        this.#cancelTimer = this.#world.after(effect, () =>
          this.#happen({ type: 'timer', busy: this.#session.busy }),
        );
    }
  }

  #authorize(then: (token: string) => void): void {
    const attempt = this.#state;
    (async () => (await this.#options.token?.()) ?? '')().then(then, (error) => {
      // A refresh that fails leaves the present token until the server closes.
      if (this.#state !== attempt) return;
      const message = `token(): ${error}`;
      this.#session.trouble(new RefusedError({ code: 'unavailable', message }));
      this.#happen({ type: 'refused' });
    });
  }

  #receive(text: string): void {
    let useful: boolean;
    try {
      const { parse = JSON.parse } = this.#options;
      const message: ServerMessage | null = parse(text);
      useful = message !== null && this.#session.receive(message, text.length);
    } catch {
      // A server that speaks something else may be another one after the next attempt.
      this.#happen({ type: 'lost', advice: NO_ADVICE });
      return;
    }
    this.#happen({ type: 'heard', useful });
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }
}
