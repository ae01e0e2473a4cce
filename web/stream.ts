import { backoffMs } from './backoff.ts';
import { parseStreamMessage, type StreamMessage } from './stream-message.ts';

/**
 * Where a stream stands: `connecting` until its first snapshot ever, `live` after a snapshot,
 * `reconnecting` from a loss to the next snapshot.
 */
export type StreamState = 'connecting' | 'live' | 'reconnecting';

/** What a stream tells; every batch but a snapshot continues the one before. */
export interface StreamListener {
  /**
   * The first message of every connection arrives with `snapshot` true. Throwing says that the
   * message does not fit: the stream connects again for a new snapshot.
   */
  batch(message: StreamMessage): void;
  state(state: StreamState): void;
}

/** What a connection tells while it is open. */
export interface Connection {
  message(data: unknown): void;
  /** It ended, or never came about. */
  closed(): void;
}

/** What a stream needs from outside, so that tests can hold the clock and the network. */
export interface StreamEnvironment {
  /** Opens a connection; the returned function closes it. */
  open(connection: Connection): () => void;
  /** A number from 0 to below 1. */
  random(): number;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
}

/** How long a connection may take until its first message. */
export const CONNECT_DEADLINE_MS = 10_000;

/**
 * One view over a stream that connects again by itself, for as long as it is not closed. What was
 * shown stays valid until the next snapshot arrives.
 *
 *     waiting ──after back-off, wake()──▶ opening ──first message──▶ live
 *        ▲                                  │                         │
 *        └────────── closed, deadline, bad message, restart() ────────┘
 */
export class ViewStream {
  readonly #listener: StreamListener;
  readonly #environment: StreamEnvironment;
  #connection: Connection | undefined;
  #disconnect: () => void = () => {};
  #cancelTimer: () => void = () => {};
  #state: StreamState = 'connecting';
  #waiting = false;
  #failures = 0;

  constructor(listener: StreamListener, environment: StreamEnvironment) {
    this.#listener = listener;
    this.#environment = environment;
    this.#connect();
  }

  /** Ends a wait for the next attempt: the network or the reader is back. */
  wake(): void {
    if (this.#waiting) this.#connect();
  }

  /** Gives the connection up and asks for a new snapshot at once. */
  restart(): void {
    this.#drop();
    this.#enter('reconnecting');
    this.#connect();
  }

  /** Ends the stream; nothing is told any more. */
  close(): void {
    this.#drop();
  }

  #connect(): void {
    this.#drop();
    const ours = () => this.#connection === connection;
    const connection: Connection = {
      message: (data) => {
        if (ours()) this.#receive(data);
      },
      closed: () => {
        if (ours()) this.#lose();
      },
    };
    this.#connection = connection;
    this.#disconnect = this.#environment.open(connection);
    this.#cancelTimer = this.#environment.after(CONNECT_DEADLINE_MS, () => this.#lose());
  }

  #receive(data: unknown): void {
    const snapshot = this.#state !== 'live';
    try {
      const message = parseStreamMessage(String(data));
      this.#cancelTimer();
      this.#listener.batch(snapshot ? { ...message, snapshot } : message);
    } catch {
      // Whatever does not fit what is held is healed by the snapshot of the next connection.
      this.#lose();
      return;
    }
    this.#failures = 0;
    this.#enter('live');
  }

  #lose(): void {
    this.#drop();
    this.#enter('reconnecting');
    const waitMs = backoffMs(this.#failures, this.#environment.random());
    this.#failures += 1;
    this.#waiting = true;
    this.#cancelTimer = this.#environment.after(waitMs, () => this.#connect());
  }

  /** Ends connection and timer; what they still tell is not ours any more. */
  #drop(): void {
    this.#cancelTimer();
    this.#waiting = false;
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#disconnect();
  }

  /** Before the first snapshot a loss is still `connecting`: there is nothing to come back to. */
  #enter(state: StreamState): void {
    const next = state === 'reconnecting' && this.#state === 'connecting' ? 'connecting' : state;
    if (next === this.#state) return;
    this.#state = next;
    this.#listener.state(next);
  }
}
