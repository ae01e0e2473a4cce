import { Core, type EngineOptions } from './core.ts';
import type { EngineError, Subscription, SubscriptionRow } from './engine.ts';
import { parseError } from './store-frames.ts';
import { splitFrames } from './wire/frames.ts';
import { query } from './wire/request.ts';

/** What tests say to a core, in their words. Only tests import this. */

/** A core in memory that ticks as soon as it can and never rests. */
export function openCore(options: Partial<EngineOptions> = {}): Promise<Core> {
  return Core.open({
    folder: undefined,
    templateFolder: '.cache',
    tickMs: 1,
    idleMs: 20,
    housekeepingMs: 3_600_000,
    restFactor: 0,
    ...options,
  });
}

/** Runs one statement in autocommit and returns its rows, in text. */
export async function run(core: Core, sql: string): Promise<readonly (readonly string[])[]> {
  const answer = new Answer();
  await core.autocommit({ frames: query(sql), sql }, new Map(), (frames) => answer.add(frames));
  return answer.rows();
}

/** Runs statements in one transaction, which is rolled back when `commits` is false. */
export async function runTogether(
  core: Core,
  statements: readonly string[],
  commits = true,
): Promise<void> {
  const transaction = await core.begin(new Map());
  try {
    for (const sql of [...statements, commits ? 'COMMIT' : 'ROLLBACK']) {
      const answer = new Answer();
      await transaction.execute(query(sql), (frames) => answer.add(frames));
      answer.rows();
    }
  } finally {
    await transaction.release();
  }
}

/** Makes a view; returns the notice. */
export function makeView(core: Core, name: string, sql: string): Promise<string | null> {
  return core.catalog.createView({
    name,
    columns: [],
    query: sql,
    materialized: true,
    orReplace: false,
    ifNotExists: false,
    sql: `CREATE MATERIALIZED VIEW ${name} AS ${sql}`,
  });
}

class Answer {
  readonly #rows: string[][] = [];
  #error: EngineError | undefined;

  add(frames: Uint8Array): void {
    for (const { type, body } of splitFrames(frames)) {
      if (type === 0x45) this.#error = parseError(body);
      if (type === 0x44) this.#rows.push(readRow(body));
    }
  }

  rows(): readonly (readonly string[])[] {
    if (this.#error !== undefined) throw this.#error;
    return this.#rows;
  }
}

function readRow(body: Buffer): string[] {
  const values: string[] = [];
  for (let at = 2; at < body.byteLength; ) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? 'NULL' : body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}

/** A reader that folds what it is told, and fails on what may not be. */
export class Reader {
  readonly updates: { readonly time: bigint; readonly row: string; readonly diff: number }[] = [];
  frontier = -1n;
  readonly subscription: Subscription;

  constructor(subscription: Subscription) {
    this.subscription = subscription;
  }

  static async open(
    core: Core,
    relation: string,
    more: Partial<Parameters<Core['subscribe']>[0]> = {},
  ): Promise<Reader> {
    return new Reader(await core.subscribe({ from: { relation }, snapshot: true, ...more }));
  }

  /** Takes everything that is ready. */
  take(): void {
    for (const row of this.subscription.take(Number.MAX_SAFE_INTEGER)) this.#take(row);
  }

  #take(row: SubscriptionRow): void {
    if (row.time < this.frontier)
      throw new Error(`${row.time} came after progress ${this.frontier}`);
    if (row.kind === 'progress') this.frontier = row.time;
    else {
      const text = row.values.map((value) =>
        value === null ? 'NULL' : Buffer.from(value).toString(),
      );
      this.updates.push({ time: row.time, row: text.join('|'), diff: row.diff });
    }
  }

  /** Waits until the frontier is above `time`, for 20 s at most. */
  async until(time: bigint): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    for (this.take(); this.frontier <= time; this.take()) await this.subscription.ready(signal);
  }

  /** The rows with all updates at or before `time`, sorted, each as often as it counts. */
  at(time: bigint): readonly string[] {
    const counts = new Map<string, number>();
    for (const update of this.updates) {
      if (update.time > time) continue;
      counts.set(update.row, (counts.get(update.row) ?? 0) + update.diff);
    }
    return [...counts]
      .flatMap(([row, count]) => {
        if (count < 0) throw new Error(`${row} stands ${count} times at ${time}`);
        return Array.from({ length: count }, () => row);
      })
      .toSorted();
  }
}
