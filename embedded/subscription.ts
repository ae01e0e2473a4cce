import { EngineError, type Field, type Subscription, type SubscriptionRow } from './engine.ts';
import type { RowChanges } from './row-changes.ts';
import { type RowKey, valuesOf } from './row-key.ts';

/** What waits for a reader may hold so much beside the snapshot, in bytes. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

type Part =
  | { readonly kind: 'progress'; readonly time: bigint }
  | {
      readonly kind: 'rows';
      readonly time: bigint;
      readonly rows: Iterator<[RowKey, number]>;
      readonly bytes: number;
    };

export interface SubscriptionOptions {
  readonly fields: readonly Field[];
  readonly asOf: bigint;
  readonly upTo: bigint | undefined;
  /** Called once, when it is closed or over. */
  readonly left: (subscription: SubscriptionQueue) => void;
  readonly maxQueuedBytes?: number | undefined;
}

/** One reader of a feed: rows wait here, decoded only when they are taken. */
export class SubscriptionQueue implements Subscription {
  readonly fields: readonly Field[];
  readonly asOf: bigint;
  readonly #upTo: bigint | undefined;
  readonly #left: (subscription: SubscriptionQueue) => void;
  readonly #maxQueuedBytes: number;
  readonly #parts: Part[] = [];
  #queuedBytes = 0;
  #isOver = false;
  #error: EngineError | undefined;
  #wake: (() => void)[] = [];

  constructor(options: SubscriptionOptions) {
    this.fields = options.fields;
    this.asOf = options.asOf;
    this.#upTo = options.upTo;
    this.#left = options.left;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    if (this.#upTo !== undefined && this.asOf >= this.#upTo) this.finish();
    else this.#parts.push({ kind: 'progress', time: this.asOf });
  }

  get ended(): boolean {
    return this.#isOver && this.#error === undefined && this.#parts.length === 0;
  }

  /** Queues the rows as of the start; they do not count against the limit. */
  pushSnapshot(rows: RowChanges): void {
    if (this.#isOver || rows.size === 0) return;
    this.#parts.push({ kind: 'rows', time: this.asOf, rows: rows.entries(), bytes: 0 });
    this.#ring();
  }

  /** Queues one time's changes; times rise. The map is shared between readers and must not change. */
  push(time: bigint, changes: RowChanges, bytes: number): void {
    if (this.#isOver || this.#endsAt(time)) return;
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > this.#maxQueuedBytes) {
      this.#fallBehind();
      return;
    }
    this.#parts.push({ kind: 'rows', time, rows: changes.entries(), bytes });
    this.#ring();
  }

  /** Promises that no later row has a time below `time`. */
  progress(time: bigint): void {
    if (this.#isOver || this.#endsAt(time)) return;
    const last = this.#parts.at(-1);
    if (last?.kind === 'progress' && last.time > this.asOf) this.#parts.pop();
    this.#parts.push({ kind: 'progress', time });
    this.#ring();
  }

  take(limit: number): readonly SubscriptionRow[] {
    const taken: SubscriptionRow[] = [];
    while (taken.length < limit) {
      const part = this.#parts[0];
      if (part === undefined) break;
      if (part.kind === 'progress') {
        taken.push(part);
        this.#parts.shift();
        continue;
      }
      const { done, value } = part.rows.next();
      if (done === true) {
        this.#queuedBytes -= part.bytes;
        this.#parts.shift();
      } else
        taken.push({ kind: 'data', time: part.time, diff: value[1], values: valuesOf(value[0]) });
    }
    return taken;
  }

  ready(signal: AbortSignal): Promise<void> {
    if (this.#parts.length > 0) return Promise.resolve();
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve();
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        if (this.#error !== undefined && this.#parts.length === 0) reject(this.#error);
        else resolve();
      };
      const abort = (): void => {
        this.#wake = this.#wake.filter((each) => each !== wake);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#wake.push(wake);
    });
  }

  /** No row will come any more; what is queued stays to be taken. */
  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ring();
    this.#left(this);
  }

  /** Ends it with an error, which the reader meets after what is queued. */
  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.#error = error;
    this.finish();
  }

  close(): void {
    this.#parts.length = 0;
    this.#queuedBytes = 0;
    this.finish();
  }

  #endsAt(time: bigint): boolean {
    if (this.#upTo === undefined || time < this.#upTo) return false;
    this.finish();
    return true;
  }

  #fallBehind(): void {
    const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    const [reached, budget] = [mebibytes(this.#queuedBytes), mebibytes(this.#maxQueuedBytes)];
    this.#parts.length = 0;
    this.fail(
      new EngineError(
        'XX000',
        `SUBSCRIBE fell behind: the client did not read results fast enough, so its backlog reached ${reached}, exceeding the ${budget} budget`,
      ),
    );
  }

  #ring(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}
