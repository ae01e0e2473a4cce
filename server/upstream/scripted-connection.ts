import type { Connect, StreamListener } from './connection.ts';

/** An error as `pg` gives it for an ErrorResponse. */
export function serverError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A stream that a test feeds by hand. */
export interface ScriptedStream {
  readonly statement: string;
  readonly closed: boolean;
  progress(time: number | string): void;
  data(time: number | string, diff: number, value: string): void;
  end(): void;
  fail(error: Error): void;
}

const FIELDS = [
  { name: 'mz_timestamp', typeOid: 1700 },
  { name: 'mz_progressed', typeOid: 16 },
  { name: 'mz_diff', typeOid: 20 },
  { name: 'a', typeOid: 25 },
];

/** A database for tests, in memory: one view `v` with one text column `a`. */
export class ScriptedDatabase {
  version = 'v26.1.0 (abc)';
  identity = 'env-1';
  /** The view's object id; null when there is no such view. */
  object: string | null = 'u1';
  now = 1_000_000;
  /** Set: connecting fails so. */
  refuses: Error | null = null;
  /** A statement that the pattern matches fails so. */
  failing: { readonly pattern: RegExp; readonly error: Error } | null = null;
  readonly statements: string[] = [];
  /** All streams ever opened, the newest last. */
  readonly streams: ScriptedStream[] = [];
  connections = 0;

  readonly connect: Connect = async () => {
    this.connections++;
    if (this.refuses !== null) throw this.refuses;
    let current: { fail(error: Error): void; close(): void } | null = null;
    return {
      query: async (sql) => this.#answer(sql),
      stream: (statement, listener) => {
        current = this.#open(statement, listener);
      },
      close: () => {
        current?.fail(new Error('Connection terminated'));
        current?.close();
      },
    };
  };

  /** The newest stream. */
  get stream(): ScriptedStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }

  #answer(sql: string): readonly Record<string, string | null>[] {
    this.statements.push(sql);
    if (this.failing?.pattern.test(sql)) throw this.failing.error;
    if (sql === 'SELECT mz_version()') return [{ mz_version: this.version }];
    if (/mz_(environment|cluster)_id/.test(sql)) return [{ id: this.identity }];
    if (sql === 'SELECT mz_now()') return [{ mz_now: String(this.now) }];
    if (sql.includes('mz_objects')) return [{ id: this.object }];
    if (!sql.startsWith('SHOW COLUMNS')) return [];
    if (this.object === null) throw serverError('XX000', "unknown catalog item 'v'");
    return [{ name: 'a', nullable: 'f', type: 'text' }];
  }

  #open(statement: string, listener: StreamListener) {
    let over = false;
    const once = (tell: () => void) => {
      if (over) return;
      over = true;
      tell();
    };
    const stream = {
      statement,
      get closed() {
        return over;
      },
      progress: (time: number | string) => listener.row([String(time), 't', null, null], FIELDS),
      data: (time: number | string, diff: number, value: string) =>
        listener.row([String(time), 'f', String(diff), value], FIELDS),
      end: () => once(() => listener.ended()),
      fail: (error: Error) => once(() => listener.failed(error)),
      close: () => {
        over = true;
      },
    };
    this.statements.push(statement);
    this.streams.push(stream);
    if (this.failing?.pattern.test(statement)) stream.fail(this.failing.error);
    return stream;
  }
}
