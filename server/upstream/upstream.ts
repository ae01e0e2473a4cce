import { type Clock, systemClock } from './clock.ts';
import { type Connect, connector } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { Follower, type Report } from './follower.ts';
import { detectDialect } from './relation.ts';
import type { Sink } from './sink.ts';

export interface UpstreamParts {
  /** postgres://user@host:port/database */
  readonly url: string;
  /** Called for what a person may want to know: lost and regained streams. */
  readonly report: (report: Report) => void;
  /** Told which dialect the database speaks, before each stream. */
  readonly speaks?: ((dialect: Dialect) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
  /** Opens connections; by default to `url`. */
  readonly connect?: Connect | undefined;
}

/** A followed view. */
export interface Following {
  /** Ends it and closes its connection; idempotent. */
  stop(): void;
  /** Connects anew, now: the view is another one, or is back. */
  retry(): void;
}

/** The database that holds the views: Materialize, or the engine that poses as one. */
export class Upstream {
  readonly #connect: Connect;
  readonly #parts: Omit<UpstreamParts, 'url'>;

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
    this.#connect = parts.connect ?? connector(parts.url);
  }

  /** Follows a view by a connection and a stream of its own, and for as long as it is wanted. */
  follow(view: string, sink: Sink): Following {
    return new Follower(view, sink, {
      connect: this.#connect,
      clock: this.#parts.clock ?? systemClock,
      random: this.#parts.random ?? Math.random,
      report: this.#parts.report,
      speaks: this.#parts.speaks,
    });
  }

  /**
   * Asks once who the peer is.
   *
   * @throws {UpstreamError} NOT_MATERIALIZE for a plain PostgreSQL; whatever connecting throws.
   */
  async check(): Promise<Dialect> {
    const connection = await this.#connect();
    try {
      return await detectDialect(connection.query);
    } finally {
      connection.close();
    }
  }
}
