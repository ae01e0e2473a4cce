import type { Connection, StreamListener } from '../../../server/upstream/connection.ts';
import { COLUMNS, ROWS, replacedRowOf, rowOf, timeOf } from '../workload.ts';

const OIDS = { numeric: 1700, boolean: 16, bigint: 20, text: 25 } as const;

const FIELDS = [
  { name: 'mz_timestamp', typeOid: OIDS.numeric },
  { name: 'mz_progressed', typeOid: OIDS.boolean },
  { name: 'mz_diff', typeOid: OIDS.bigint },
  { name: 'title', typeOid: OIDS.text },
  { name: 'edits', typeOid: OIDS.bigint },
];

/** Progress without changes, before a silence of the upstream is noticed. */
const QUIET_MS = 1_000;

/**
 * A database in memory whose every view is the workload's: answers what the upstream stage asks of
 * the newer line of Materialize, and counts it.
 */
export class FakeDatabase {
  readonly #streams = new Set<StreamListener>();
  readonly #timer: NodeJS.Timeout;
  #last = 0;
  /** Statements that were run, those that open a cursor among them. */
  statements = 0;

  constructor() {
    this.#timer = setInterval(() => this.#each((listener) => this.#progress(listener)), QUIET_MS);
  }

  /** Cursors that are open. */
  get cursors(): number {
    return this.#streams.size;
  }

  readonly connect = async (): Promise<Connection> => {
    let opened: StreamListener | null = null;
    return {
      query: async (sql) => this.#answer(sql),
      stream: (_, listener) => {
        this.statements += 1;
        opened = listener;
        this.#open(listener);
      },
      close: () => {
        if (opened !== null && this.#streams.delete(opened)) opened.failed(new Error('closed'));
      },
    };
  };

  /** Batch n happens in all views. */
  change(n: number): void {
    this.#last = n;
    this.#each((listener) => {
      row(listener, n, -1, replacedRowOf(n));
      row(listener, n, 1, rowOf(n));
      this.#progress(listener);
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #each(tell: (listener: StreamListener) => void): void {
    for (const listener of this.#streams) tell(listener);
  }

  #answer(sql: string): readonly Record<string, string | null>[] {
    this.statements += 1;
    if (sql === 'SELECT mz_version()') return [{ mz_version: 'v26.1.0 (bench)' }];
    if (sql.includes('mz_environment_id')) return [{ id: 'bench' }];
    if (sql === 'SELECT mz_now()') return [{ mz_now: String(timeOf(this.#last)) }];
    if (sql.includes('mz_objects')) return [{ id: 'u1' }];
    if (sql.startsWith('SHOW COLUMNS')) return COLUMNS.map((column) => ({ ...column }));
    return [];
  }

  #open(listener: StreamListener): void {
    this.#streams.add(listener);
    listener.row([String(timeOf(this.#last)), 't', null, null, null], FIELDS);
    for (let back = ROWS - 1; back >= 0; back--) {
      row(listener, this.#last, 1, rowOf(this.#last - back));
    }
    this.#progress(listener);
  }

  #progress(listener: StreamListener): void {
    listener.row([String(timeOf(this.#last) + 1), 't', null, null, null], FIELDS);
  }
}

function row(listener: StreamListener, n: number, diff: 1 | -1, values: readonly unknown[]): void {
  listener.row([String(timeOf(n)), 'f', String(diff), ...values.map(String)], FIELDS);
}
