/**
 * Follows one view for as long as it is wanted: connects, streams, and connects again.
 *
 *   connect → describe → stream ──ended, nothing more to come──→ done
 *      ↑                   │
 *      └── back-off ←── failed, silent, ended early
 *
 * What a stream brings goes to a sink, which keeps its state between connections and says where to
 * go on. Progress silence of 3 s is told as stale; of 10 s it cuts the connection.
 */
import type { Timestamp } from '../../protocol/update.ts';
import { messageOf, UpstreamError } from '../errors.ts';
import { type Clock, Silence } from './clock.ts';
import type { Connect, Connection } from './connection.ts';
import { type Dialect, isOutOfHistory, waysToStart } from './dialect.ts';
import {
  describeRelation,
  detectDialect,
  isUnknownRelation,
  prepareSession,
  type Relation,
  upstreamNow,
} from './relation.ts';
import type { Sink } from './sink.ts';
import { type Outcome, runStream } from './stream.ts';

/** What happened to a followed view, for logs and counters. */
export interface Report {
  readonly view: string;
  /** A view that was streamed and then dropped has `ended`. */
  readonly kind: 'streaming' | 'lost' | 'ended';
  readonly message: string;
  readonly error?: unknown;
}

export interface FollowerParts {
  readonly connect: Connect;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly report: (report: Report) => void;
  /** Told which dialect the peer speaks, before each stream. */
  readonly speaks?: ((dialect: Dialect) => void) | undefined;
}

const STALE_MS = 3_000;
/** Before a stream's first row: a large view may take long to be read. */
const START_TIMEOUT_MS = 30_000;
/** A connection that lived so long was a good one: the next failure is a first one. */
const GOOD_MS = 5_000;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_LIMIT_MS = 5_000;

/** The longest wait before attempt `failures` (1, 2, …); the wait itself is uniform below it. */
export function backoffLimitMs(failures: number): number {
  return Math.min(BACKOFF_LIMIT_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
}

function fellSilent(view: string, cause: unknown): UpstreamError {
  return new UpstreamError(
    'UPSTREAM_LOST',
    `the stream of ${view} was silent for too long and was cut: it is opened again`,
    { cause },
  );
}

/** See the file's head. Starts at once; `stop` ends it. */
export class Follower {
  readonly #view: string;
  readonly #sink: Sink;
  readonly #parts: FollowerParts;
  readonly #staleness: Silence;
  #connection: Connection | null = null;
  /** Ends the wait between two attempts, or after the end. */
  #wake: (() => void) | null = null;
  /** The next wait is left out. */
  #hurry = false;
  #failures = 0;
  #startedAt = 0;
  /** It streamed once: then it is no mistake in the settings when the view is not there. */
  #known = false;
  /** What was last reported as lost, until progress is heard again; the same is not repeated. */
  #lost: string | null = null;
  #stopped = false;

  constructor(view: string, sink: Sink, parts: FollowerParts) {
    this.#view = view;
    this.#sink = sink;
    this.#parts = parts;
    this.#staleness = new Silence(parts.clock, STALE_MS, () => sink.stale());
    void this.#follow();
  }

  /** Ends it and closes its connection; idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#staleness.stop();
    this.retry();
  }

  /** Connects anew, now: the view is another one, or is back. */
  retry(): void {
    this.#hurry = true;
    this.#failures = 0;
    this.#connection?.close();
    this.#wake?.();
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      const outcome = await this.#attempt();
      if (this.#stopped) return;
      if (outcome === 'final') {
        await this.#wait(null);
      } else {
        this.#failures++;
        await this.#wait(this.#parts.random() * backoffLimitMs(this.#failures));
      }
    }
  }

  async #attempt(): Promise<Outcome | 'failed'> {
    let silent = false;
    const silence = new Silence(this.#parts.clock, START_TIMEOUT_MS, () => {
      silent = true;
      this.#connection?.close();
    });
    this.#startedAt = this.#parts.clock.now();
    this.#hurry = false;
    try {
      this.#connection = await this.#parts.connect();
      if (this.#stopped) return 'failed';
      const outcome = await this.#run(this.#connection, silence);
      this.#report('ended', `the stream ended: ${outcome}`);
      return outcome;
    } catch (error) {
      if (!this.#stopped) this.#failed(silent ? fellSilent(this.#view, error) : error);
      return 'failed';
    } finally {
      silence.stop();
      this.#connection?.close();
      this.#connection = null;
    }
  }

  async #run(connection: Connection, silence: Silence): Promise<Outcome> {
    const { query } = connection;
    const dialect = await detectDialect(query);
    this.#parts.speaks?.(dialect);
    await prepareSession(query, dialect);
    const relation = await describeRelation(query, dialect, this.#view);
    const held = this.#sink.heldFrontier(relation);
    const now = await upstreamNow(query, dialect);
    return this.#start(connection, silence, { dialect, relation, held, now });
  }

  async #start(
    connection: Connection,
    silence: Silence,
    found: {
      readonly dialect: Dialect;
      readonly relation: Relation;
      readonly held: Timestamp | null;
      readonly now: Timestamp | null;
    },
  ): Promise<Outcome> {
    const { clock } = this.#parts;
    const now = found.now ?? clock.now();
    for (const request of waysToStart(found.dialect, found.held, now)) {
      try {
        return await runStream(connection, {
          view: this.#view,
          dialect: found.dialect,
          request,
          relation: found.relation,
          caughtUpAbove: request.snapshot && request.asOf !== null ? now : null,
          sink: this.#sink,
          clock,
          silence,
          onProgress: () => this.#heard(),
        });
      } catch (error) {
        if (request.asOf === null || !isOutOfHistory(messageOf(error))) throw error;
        await connection.query('ROLLBACK');
      }
    }
    throw new UpstreamError('STREAM_FAILED', `no way to stream ${this.#view} was left`);
  }

  #heard(): void {
    if (this.#lost !== null) this.#report('streaming', 'progress arrives again');
    this.#lost = null;
    this.#known = true;
    if (this.#parts.clock.now() - this.#startedAt > GOOD_MS) this.#failures = 0;
    this.#staleness.heard();
  }

  #failed(error: unknown): void {
    const unknown = error instanceof UpstreamError && error.code === 'UNKNOWN_VIEW';
    const gone = unknown || isUnknownRelation(error);
    if (gone) this.#sink.gone();
    const message = messageOf(error);
    const kind = gone && this.#known ? 'ended' : 'lost';
    if (message !== this.#lost) this.#report(kind, message, error);
    this.#lost = message;
  }

  #report(kind: Report['kind'], message: string, error?: unknown): void {
    this.#parts.report({ view: this.#view, kind, message, error });
  }

  /** Waits `ms` (null: for ever), or until `retry` or `stop`. */
  async #wait(ms: number | null): Promise<void> {
    if (this.#hurry) return;
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== null) cancel = this.#parts.clock.after(ms, resolve);
    });
    cancel();
    this.#wake = null;
  }
}
