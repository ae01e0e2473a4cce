import type {
  BatchMessage,
  ErrorMessage,
  Progress,
  Subscribe,
  Subscribed,
  ViewRequest,
} from '../protocol/message.ts';
import { type Applied, type Check, Feed, type Outcome } from './feed.ts';
import { RefusedError } from './refused-error.ts';

/**
 * Where a subscription stands: `waiting` until its first rows, `live`, `stale` while the server
 * hears nothing from its database, `resuming` while the rows on show are to be continued, `refused`
 * and `closed` for good.
 */
export type LineState = 'waiting' | 'live' | 'stale' | 'resuming' | 'refused' | 'closed';

/**
 * Tells of a subscription's state; `error` says why it was refused or closed, or what keeps it from
 * going on, such as a token that is refused.
 */
export interface LineStatus {
  readonly state: LineState;
  readonly error?: RefusedError | undefined;
}

/** Told of what happens to rows: every batch that was applied, and every change of the status. */
export interface Follower {
  batch(applied: Applied): void;
  status(status: LineStatus): void;
}

/** What is asked for on a line. */
export interface LineRequest {
  readonly views: readonly ViewRequest[];
  readonly everyMs?: number;
}

/** What checks a line's proofs of quiet; told of every batch. */
export interface LineCheck extends Check {
  batch(applied: Applied): void;
}

/** Unacknowledged text of a channel after which `ack` is due, in UTF-16 units. */
const ACK_LENGTH = 65_536;

/**
 * One subscription on the wire and all who follow it here. It lives through any number of
 * connections, each time under a new id.
 */
export class Line {
  readonly request: LineRequest;
  readonly feed: Feed;
  readonly followers = new Set<Follower>();
  /** The id in use; '' while nothing is asked for. */
  id = '';
  channel: number | null = null;
  /** Tries in a row that proved nothing right. */
  failures = 0;
  /** Ticks since anything was heard for this line. */
  silentTicks = 0;
  #check: LineCheck | null = null;
  #unacknowledged = 0;
  #upstreamLive = true;
  /** Whether the first batch since the last `subscribed` is there. */
  #caughtUp = false;
  #error: RefusedError | undefined;
  #status: LineStatus = { state: 'waiting' };

  constructor(request: LineRequest) {
    this.request = request;
    this.feed = new Feed(request.views.map(({ view }) => view));
  }

  get status(): LineStatus {
    return this.#status;
  }

  /** The message that asks for what is missing; JSON says nothing of what is undefined. */
  subscribe(id: string): Subscribe {
    this.id = id;
    this.silentTicks = 0;
    this.#unacknowledged = 0;
    const from = this.feed.resumePoint();
    return { type: 'subscribe', id, from, ...this.request } as Subscribe;
  }

  /** Nothing is asked for any more: the connection is gone, or it will be asked again. */
  lose(): void {
    this.id = '';
    this.channel = null;
    this.#caughtUp = false;
    this.#tell();
  }

  begin(message: Subscribed): void {
    this.channel = message.channel;
    this.#upstreamLive = true;
    this.#caughtUp = false;
    this.feed.begin(message);
    this.#tell();
  }

  /**
   * Takes a batch or a proof of quiet, and says what it did.
   *
   * @param length of its text
   * @param check makes what checks the rows; null while that is still being loaded
   */
  take(
    message: BatchMessage | Progress,
    length: number,
    check: ((feed: Feed) => LineCheck) | null,
  ): Outcome {
    this.silentTicks = 0;
    if (message.type === 'batch') {
      this.#unacknowledged += length;
      const outcome = this.feed.take(message);
      if (typeof outcome === 'object') this.#moved(outcome);
      return outcome;
    }
    this.#check ??= check?.(this.feed) ?? null;
    const outcome = this.feed.prove(message, this.#check);
    if (outcome === 'broken') this.#check = null;
    if (outcome === 'quiet') {
      this.failures = 0;
      this.#caughtUp = true;
      this.#tell();
    }
    return outcome;
  }

  upstream(live: boolean): void {
    this.#upstreamLive = live;
    this.#tell();
  }

  refuse(error: ErrorMessage): void {
    this.#error = new RefusedError(error);
    this.#set('refused');
  }

  /** What keeps the connection from going on, or that nothing does any more. */
  trouble(error: RefusedError | undefined): void {
    this.#error = error;
    this.#set(this.#status.state);
  }

  close(): void {
    this.#set('closed');
  }

  /** Whether `ack` is due: enough was taken, or with `any`, anything. */
  owesAck(any: boolean): boolean {
    return this.#caughtUp && this.#unacknowledged >= (any ? 1 : ACK_LENGTH);
  }

  acknowledged(): void {
    this.#unacknowledged = 0;
  }

  #moved(applied: Applied): void {
    this.#check?.batch(applied);
    this.#caughtUp = true;
    this.#each((follower) => follower.batch(applied));
    this.#tell();
  }

  #tell(): void {
    const state = this.#upstreamLive ? 'live' : 'stale';
    if (this.#caughtUp) this.#set(state);
    else this.#set(this.feed.known ? 'resuming' : 'waiting');
  }

  #set(state: LineState): void {
    const error = this.#error;
    const before = this.#status;
    if (state === before.state && error === before.error) return;
    const status = { state, error };
    this.#status = status;
    this.#each((follower) => follower.status(status));
  }

  /** A follower that throws disturbs neither the others nor the line: it is reported apart. */
  #each(tell: (follower: Follower) => void): void {
    for (const follower of [...this.followers]) {
      try {
        tell(follower);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
