import type {
  Authorized,
  ClientMessage,
  ErrorMessage,
  Hello,
  ServerMessage,
} from '../protocol/message.ts';
import { backoffMs } from './backoff.ts';
import type { Feed } from './feed.ts';
import { Line, type LineCheck, type LineRequest } from './line.ts';
import { RefusedError } from './refused-error.ts';
import type { Talk } from './talk.ts';

/** What a session asks of the connection below it and of the world. */
export interface SessionEnvironment {
  send(message: ClientMessage): void;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
  random(): number;
  /** Makes what checks the rows of a feed; null while that is still being loaded. */
  check(): ((feed: Feed) => LineCheck) | null;
  /** Fetches and presents another token. */
  reauthorize(): void;
}

/** How often acknowledgements go out and silence is looked at, in milliseconds. */
export const TICK_MS = 5_000;
/** A line unheard for so many ticks (40 s) is asked for anew. */
const SILENT_TICKS = 8;
/** A token is renewed when so much of its life is over. */
const TOKEN_SHARE = 0.8;
/** Timers hold 31 bits: a longer wait would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * What is said over a connection, and said again over the next one: all lines, and
 * the talks beside them.
 */
export class Session {
  /** What keeps the connection from going on. */
  error: RefusedError | undefined;
  readonly #environment: SessionEnvironment;
  readonly #lines = new Map<string, Line>();
  readonly #talks = new Set<Talk>();
  #timers = new Set<() => void>();
  #up = false;
  /** What the server said first on the newest connection. */
  #hello: Hello | undefined;
  #lastId = 0;

  constructor(environment: SessionEnvironment) {
    this.#environment = environment;
  }

  /** Whether an answer or news is awaited. */
  get busy(): boolean {
    return this.#lines.size > 0 || [...this.#talks].some((talk) => talk.busy);
  }

  /** The line for a request: equal requests share one. */
  line(request: LineRequest): Line {
    const key = JSON.stringify(request);
    const shared = this.#lines.get(key);
    if (shared !== undefined) return shared;
    const line = new Line(request);
    this.#lines.set(key, line);
    if (this.#up) this.#ask(line);
    return line;
  }

  /** Ends a line that nobody follows any more. */
  release(line: Line): void {
    if (line.followers.size > 0) return;
    this.#forget(line);
    if (line.id !== '') this.say({ type: 'unsubscribe', id: line.id });
  }

  join(talk: Talk): void {
    this.#talks.add(talk);
    if (this.#hello !== undefined) talk.connected(this.#hello);
  }

  /** Says something, where a connection stands. */
  say(message: ClientMessage): void {
    if (this.#up) this.#environment.send(message);
  }

  /** A connection stands. */
  connected(token: string | undefined): void {
    this.#up = true;
    if (token !== undefined) this.say({ type: 'auth', token });
    for (const line of this.#lines.values()) this.#ask(line);
    this.#tickLater();
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#up = false;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const line of this.#lines.values()) line.lose();
  }

  /** It is over for good. */
  close(): void {
    for (const line of this.#lines.values()) line.close();
    for (const talk of this.#talks) talk.close(this.error);
  }

  /** Something keeps the connection from going on, or nothing does any more. */
  trouble(error?: RefusedError): void {
    this.error = error;
    for (const line of this.#lines.values()) line.trouble(error);
  }

  /**
   * Takes a message; `length` is that of its text. Whether it was useful: it proves that the
   * server does what is asked of it.
   */
  receive(message: ServerMessage, length: number): boolean {
    switch (message.type) {
      case 'hello':
        this.#hello = message;
        for (const talk of this.#talks) talk.connected(message);
        return false;
      case 'authorized':
        this.trouble();
        this.#renewLater(message);
        return false;
      case 'subscribed':
        this.trouble();
        this.#byId(message.id)?.begin(message);
        return true;
      case 'batch':
      case 'progress':
        return this.#news(message, length);
      case 'status':
        this.#byChannel(message.channel)?.upstream(message.state === 'live');
        return false;
      default:
        if (message.type === 'error') this.#refused(message);
        return [...this.#talks].some((talk) => talk.receive(message));
    }
  }

  #news(message: Extract<ServerMessage, { type: 'batch' | 'progress' }>, length: number): boolean {
    const line = this.#byChannel(message.channel);
    if (line === undefined) return false;
    const outcome = line.take(message, length, this.#environment.check());
    if (outcome === 'gap' || outcome === 'broken') this.#repair(line);
    const applied = typeof outcome === 'object';
    if (applied && line.owesAck(false)) this.#acknowledge(line);
    return applied || outcome === 'quiet';
  }

  #refused(message: ErrorMessage): void {
    const { id, retryMs } = message;
    if (id === undefined) this.trouble(new RefusedError(message));
    const line = this.#byId(id);
    if (line === undefined) return;
    if (retryMs === undefined) {
      this.#forget(line);
      line.refuse(message);
    } else {
      line.lose();
      this.#askLater(line, retryMs);
    }
  }

  /** A line that is over: the next request of the same kind gets another. */
  #forget(line: Line): void {
    for (const [key, held] of this.#lines) if (held === line) this.#lines.delete(key);
  }

  #ask(line: Line): void {
    this.#lastId += 1;
    this.say(line.subscribe(`s${this.#lastId}`));
  }

  /** Asks anew for what was missed or wrong: at once, but with a wait where that did not help. */
  #repair(line: Line): void {
    this.say({ type: 'unsubscribe', id: line.id });
    line.lose();
    if (line.failures === 0) {
      line.failures = 1;
      this.#ask(line);
    } else {
      this.#askLater(line, 0);
    }
  }

  #askLater(line: Line, leastMs: number): void {
    const waitMs = Math.max(leastMs, backoffMs(line.failures, this.#environment.random()));
    line.failures += 1;
    this.#later(waitMs, () => {
      if (line.followers.size > 0 && line.id === '') this.#ask(line);
    });
  }

  #acknowledge(line: Line): void {
    const upper = line.feed.frontier;
    if (line.channel === null || upper === null) return;
    line.acknowledged();
    this.say({ type: 'ack', channel: line.channel, upper });
  }

  #tickLater(): void {
    this.#later(TICK_MS, () => {
      for (const line of this.#lines.values()) {
        if (line.owesAck(true)) this.#acknowledge(line);
        line.silentTicks += 1;
        if (line.id !== '' && line.silentTicks >= SILENT_TICKS) this.#repair(line);
      }
      this.#tickLater();
    });
  }

  #renewLater({ expiresInMs }: Authorized): void {
    if (expiresInMs === null) return;
    const waitMs = Math.min(expiresInMs * TOKEN_SHARE, LONGEST_TIMER_MS);
    this.#later(waitMs, () => this.#environment.reauthorize());
  }

  /** Calls unless the connection is gone by then. */
  #later(ms: number, then: () => void): void {
    const cancel = this.#environment.after(ms, () => {
      this.#timers.delete(cancel);
      then();
    });
    this.#timers.add(cancel);
  }

  #byId(id: string | undefined): Line | undefined {
    return [...this.#lines.values()].find((line) => line.id === id);
  }

  #byChannel(channel: number): Line | undefined {
    return [...this.#lines.values()].find((line) => line.channel === channel);
  }
}
