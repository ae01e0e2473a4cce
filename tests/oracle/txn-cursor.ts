import pg from 'pg';
import Cursor from 'pg-cursor';
import type { Timeline } from './ledger.ts';
import { TXN } from './schema.ts';

const TEXT = { getTypeParser: () => (text: string) => text };
const PAGE_ROWS = 1_000;

/**
 * A raw cursor on the table `txn`, straight to the engine: it tells a timeline the time of each
 * transaction. None of our upstream code stands between.
 */
export class TxnCursor {
  readonly #client: pg.Client;
  readonly #timeline: Timeline;
  readonly #isReopened: boolean;
  readonly #ready: () => void;
  readonly #failed: (error: Error) => void;
  /** Numbers of the snapshot, until it is complete. */
  #snapshot: Set<number> | null = new Set();
  #asOf: number | null = null;

  private constructor(
    client: pg.Client,
    timeline: Timeline,
    isReopened: boolean,
    ready: () => void,
    failed: (error: Error) => void,
  ) {
    this.#client = client;
    this.#timeline = timeline;
    this.#isReopened = isReopened;
    this.#ready = ready;
    this.#failed = failed;
  }

  /**
   * Resolves when the snapshot is complete; the timeline is then told of every later transaction.
   * `failed` hears of contradictions, and of nothing when the engine goes away.
   */
  static async open(
    url: string,
    timeline: Timeline,
    { isReopened, failed }: { isReopened: boolean; failed: (error: Error) => void },
  ): Promise<TxnCursor> {
    const client = new pg.Client({ connectionString: url, types: TEXT });
    client.on('error', () => {});
    await client.connect();
    await client.query('BEGIN');
    return new Promise((resolve, reject) => {
      const cursor: TxnCursor = new TxnCursor(
        client,
        timeline,
        isReopened,
        () => resolve(cursor),
        (error) => {
          failed(error);
          reject(error);
        },
      );
      cursor.#read();
      client.once('end', () => reject(new Error('the cursor on txn ended before its snapshot')));
    });
  }

  /** Resolves when all that came is told: after the engine's end, or `close`. */
  async ended(): Promise<void> {
    const { stream } = this.#client.connection;
    if (stream.closed) return;
    await new Promise((resolve) => stream.once('close', resolve));
  }

  close(): void {
    this.#client.connection.stream.destroy();
  }

  #read(): void {
    const cursor = new Cursor<string[]>(`TAIL ${TXN} WITH (PROGRESS)`, undefined, {
      rowMode: 'array',
      types: TEXT,
    });
    cursor.on('row', (values: readonly (string | null)[]) => {
      try {
        this.#row(values);
      } catch (error) {
        this.#failed(error instanceof Error ? error : new Error(String(error)));
        this.close();
      }
    });
    // When the engine is killed the cursor goes with it; whoever kills it opens another.
    cursor.on('error', () => {});
    const page = () => {
      cursor.read(PAGE_ROWS, (error, rows) => {
        if (!error && rows.length > 0) page();
      });
    };
    this.#client.query(cursor);
    page();
  }

  #row([timestamp, progressed, diff, n]: readonly (string | null)[]): void {
    const time = Number(timestamp);
    this.#asOf ??= time;
    const isProgress = progressed === 't' || progressed === 'true';
    if (!isProgress && diff !== '1') throw new Error(`txn ${n} has diff ${diff} at ${time}`);
    if (this.#snapshot === null) {
      if (isProgress) this.#timeline.progress(time);
      else this.#timeline.tell(Number(n), time);
    } else if (time > this.#asOf) {
      this.#complete(this.#snapshot, this.#asOf + 1);
      this.#row([timestamp ?? null, progressed ?? null, diff ?? null, n ?? null]);
    } else if (!isProgress) {
      this.#snapshot.add(Number(n));
    }
  }

  /** The first row beyond the as-of time proves that the snapshot is whole. */
  #complete(present: ReadonlySet<number>, frontier: number): void {
    this.#snapshot = null;
    if (this.#isReopened) this.#timeline.reopen(present, frontier);
    else if (present.size > 0) throw new Error('a new store begins with an empty txn');
    else this.#timeline.progress(frontier);
    this.#ready();
  }
}
