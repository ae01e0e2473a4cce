/** How a load client reaches a candidate, and what it gets before the first batch. */
export interface Access {
  readonly protocol: 'websocket' | 'socket.io' | 'events';
  readonly port: number;
  readonly path: string;
  /** Messages that come on joining, before any batch; they are not deliveries. */
  readonly greeting: number;
  /** Whether the greeting is the whole view, so that what is held can be checked row by row. */
  readonly snapshot: boolean;
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
