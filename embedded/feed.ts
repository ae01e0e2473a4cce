import { END_OF_TIME, EngineError, type Field } from './engine.ts';
import { addInto, type RowChanges } from './row-changes.ts';
import { SubscriptionQueue } from './subscription.ts';

/** How far back a feed can answer AS OF: the longer of nothing, the shorter of these. */
export interface HistoryLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export interface OpenRequest {
  readonly snapshot: boolean;
  readonly asOf?: { readonly time: bigint; readonly atLeast: boolean } | undefined;
  readonly upTo?: bigint | undefined;
}

interface Entry {
  readonly time: number;
  readonly changes: RowChanges;
  readonly bytes: number;
}

/** A reader whose as-of time lies ahead: its snapshot is put together until then. */
interface Waiting {
  readonly queue: SubscriptionQueue;
  readonly rows: Map<string, number> | null;
}

/**
 * One relation's changes, captured once for all its readers, with the recent ones kept so that a
 * reader can start in the past. The rows themselves stay in the database.
 */
export class Feed {
  readonly fields: readonly Field[];
  readonly #limits: HistoryLimits;
  readonly #entries: Entry[] = [];
  readonly #readers = new Set<SubscriptionQueue>();
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;
  #since: number;
  #frontier: number;
  #error: EngineError | undefined;
  /** When the last reader left, by the logical clock; null while there is one. */
  #idleSince: number | null;

  /** `frontier`: from where on its changes are published. */
  constructor(fields: readonly Field[], frontier: number, limits: HistoryLimits) {
    this.fields = fields;
    this.#frontier = frontier;
    this.#since = frontier - 1;
    this.#limits = limits;
    this.#idleSince = frontier;
  }

  get frontier(): number {
    return this.#frontier;
  }

  get idleSince(): number | null {
    return this.#idleSince;
  }

  get error(): EngineError | undefined {
    return this.#error;
  }

  /** Publishes the changes of `time` (not below the frontier) without moving the frontier. */
  publish(time: number, changes: RowChanges): void {
    if (changes.size === 0) return;
    let bytes = 0;
    for (const key of changes.keys()) bytes += key.length + 32;
    this.#entries.push({ time, changes, bytes });
    this.#bytes += bytes;
    for (const reader of this.#readers) reader.push(BigInt(time), changes, bytes);
    for (const { queue, rows } of this.#waiting) {
      if (BigInt(time) > queue.asOf) this.#start(queue, rows);
      if (BigInt(time) > queue.asOf) queue.push(BigInt(time), changes, bytes);
      else if (rows !== null) addInto(rows, changes, 1);
    }
  }

  /** Promises that no later change has a time below `frontier`. */
  advance(frontier: number): void {
    if (frontier <= this.#frontier) return;
    this.#frontier = frontier;
    this.#forget(frontier);
    for (const { queue, rows } of this.#waiting) {
      if (BigInt(frontier) > queue.asOf) this.#start(queue, rows);
    }
    for (const reader of this.#readers) reader.progress(BigInt(frontier));
  }

  /**
   * A new reader. `rows` gives the relation's rows at this moment, all of which is published; it is
   * only called when they are needed.
   *
   * @throws {EngineError} 22000 when the as-of time is forgotten or not before the up-to time.
   */
  async open(
    request: OpenRequest,
    rows: () => Promise<Map<string, number>>,
  ): Promise<SubscriptionQueue> {
    const asOf = this.#asOf(request);
    const queue = new SubscriptionQueue({
      fields: this.fields,
      asOf,
      upTo: request.upTo,
      left: (each) => this.#leave(each),
    });
    if (queue.ended) return queue;
    const current = request.snapshot ? await rows() : null;
    this.#idleSince = null;
    if (asOf >= BigInt(this.#frontier)) {
      this.#waiting.add({ queue, rows: current });
      return queue;
    }
    const later = this.#entries.filter((entry) => BigInt(entry.time) > asOf);
    if (current !== null) {
      for (const entry of later) addInto(current, entry.changes, -1);
      queue.pushSnapshot(current);
    }
    this.#readers.add(queue);
    for (const entry of later) queue.push(BigInt(entry.time), entry.changes, entry.bytes);
    queue.progress(BigInt(this.#frontier));
    return queue;
  }

  /** Ends all readers with an error; the feed takes no more. */
  fail(error: EngineError): void {
    this.#error = error;
    for (const { queue } of this.#waiting) queue.fail(error);
    for (const reader of this.#readers) reader.fail(error);
  }

  #start(queue: SubscriptionQueue, rows: RowChanges | null): void {
    for (const waiting of this.#waiting) {
      if (waiting.queue === queue) this.#waiting.delete(waiting);
    }
    if (rows !== null) queue.pushSnapshot(rows);
    this.#readers.add(queue);
  }

  #leave(queue: SubscriptionQueue): void {
    this.#readers.delete(queue);
    for (const waiting of this.#waiting) {
      if (waiting.queue === queue) this.#waiting.delete(waiting);
    }
    if (this.#readers.size + this.#waiting.size === 0) this.#idleSince = this.#frontier;
  }

  #asOf(request: OpenRequest): bigint {
    const asOf = this.#validTime(request);
    if (request.upTo !== undefined && asOf > request.upTo) {
      throw new EngineError(
        '22000',
        `subscription lower bound (\`AS OF\`) is greater than its upper bound (\`UP TO\`): ${asOf} > ${request.upTo}`,
      );
    }
    return asOf;
  }

  #validTime({ asOf }: OpenRequest): bigint {
    if (asOf === undefined) return BigInt(this.#frontier - 1);
    const since = BigInt(this.#since);
    if (asOf.time >= since) return asOf.time;
    if (asOf.atLeast) return since;
    throw new EngineError('22000', 'could not find a valid timestamp for the query', {
      detail: `Constraints:\nlower:\n  (Storage inputs): [${since}]\nupper:\n  (Query's AS OF): [${asOf.time}]`,
    });
  }

  /** Drops what is too old or too much; what is left can still be subtracted from the present. */
  #forget(now: number): void {
    for (;;) {
      const [oldest] = this.#entries;
      if (oldest === undefined) return;
      const tooOld = oldest.time < now - this.#limits.maxAgeMs;
      if (!tooOld && this.#bytes <= this.#limits.maxBytes) return;
      this.#entries.shift();
      this.#bytes -= oldest.bytes;
      this.#since = oldest.time;
    }
  }
}

/** The rows of a relation that can never change again, for one reader. */
export function constantSubscription(
  fields: readonly Field[],
  rows: RowChanges | null,
): SubscriptionQueue {
  const queue = new SubscriptionQueue({
    fields,
    asOf: END_OF_TIME,
    upTo: undefined,
    left: () => {},
  });
  if (rows !== null) queue.pushSnapshot(rows);
  queue.finish();
  return queue;
}
