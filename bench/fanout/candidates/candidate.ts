/** How a load client reaches a candidate, and what it gets before the first batch. */
export interface Access {
  /** `session` is the protocol of `ws /api/v1`, where batches alone are counted. */
  readonly protocol: 'websocket' | 'session' | 'socket.io' | 'events';
  readonly port: number;
  readonly path: string;
  /** Messages that come on joining, before any that is published; they are not counted. */
  readonly greeting: number;
  /**
   * How messages are checked: each a `single` batch and the next, a `stream` that begins with the
   * whole view, batches of `ws /api/v1` that may merge several (`session`), or such of one user's
   * rows (`filter`).
   */
  readonly check: 'single' | 'stream' | 'session' | 'filter';
  /** Whether the batches of one tick come as one message. */
  readonly merges: boolean;
  /** Whether viewers say what they have received, as those of `ws /api/v1` do. Default: no. */
  readonly acknowledges?: boolean;
}

/** A server that can fan batches out, beside which viewcast is measured. */
export interface Candidate {
  readonly access: Access;
  /** Publishes the next `batches` of the workload to all viewers in this turn. */
  publish(batches: number): void;
  /** What only some candidates can tell, for {@link Facts}. */
  facts?(): Facts;
  close(): void;
}

/** What the runs about viewcast itself ask of it. */
export interface Facts {
  /** Statements that the upstream was sent, cursors among them. */
  readonly statements: number;
  /** Cursors that are open upstream. */
  readonly cursors: number;
  readonly views: number;
  /** The epoch of the view that is watched. */
  readonly epoch: string;
}

/** Counts a workload's batches from 1. */
export class BatchNumbers {
  #last = 0;

  /** The numbers of the next `count` batches. */
  next(count: number): readonly number[] {
    const first = this.#last + 1;
    this.#last += count;
    return Array.from({ length: count }, (_, at) => first + at);
  }
}
