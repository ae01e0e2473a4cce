import type { Timestamp } from '../../protocol/update.ts';
import type { Clock, Silence } from './clock.ts';
import type { Connection } from './connection.ts';
import { type Dialect, type StreamRequest, streamStatement } from './dialect.ts';
import { describeRelation, type Relation } from './relation.ts';
import { rowParser, type StreamRow } from './rows.ts';
import type { Sink } from './sink.ts';
import { SnapshotGate } from './snapshot-gate.ts';

/** How a stream ended by itself: `final` when nothing can ever follow, `early` when more may. */
export type Outcome = 'final' | 'early';

export interface StreamParts {
  readonly view: string;
  readonly dialect: Dialect;
  readonly request: StreamRequest;
  readonly relation: Relation;
  readonly caughtUpAbove: Timestamp | null;
  readonly sink: Sink;
  readonly clock: Clock;
  /** Cuts the connection; this stream tells it when it hears something, and its patience. */
  readonly silence: Silence;
  /** A progress row that counts came. */
  readonly onProgress: () => void;
}

/** Without progress for so long, a running stream is taken for dead. */
const SILENCE_LIMIT_MS = 10_000;
/** A snapshot of the past is shown after so long even when it has not caught up with the present. */
const SETTLE_MS = 5_000;

/**
 * Streams a view into its sink until the stream ends.
 *
 * @throws what the database or the connection says, what the sink throws, or UpstreamError.
 */
export async function runStream(connection: Connection, parts: StreamParts): Promise<Outcome> {
  const statement = streamStatement(parts.dialect, parts.view, parts.request);
  if (parts.dialect === 'tail') await probe(connection, statement);
  await connection.query('BEGIN');
  const pump = new Pump(parts);
  try {
    await pumpRows(connection, statement, pump);
    if (pump.moved || !(await isSameRelation(connection, parts))) return 'early';
    pump.finish();
    return 'final';
  } finally {
    pump.stop();
  }
}

/** Resolves when the stream ended by itself. */
function pumpRows(connection: Connection, statement: string, pump: Pump): Promise<void> {
  return new Promise((resolve, reject) => {
    let parse: ((values: readonly (string | null)[]) => StreamRow) | null = null;
    connection.stream(statement, {
      row(values, fields) {
        if (pump.stopped) return;
        try {
          parse ??= rowParser(fields);
          pump.row(parse(values));
        } catch (error) {
          pump.stop();
          reject(error);
        }
      },
      ended: resolve,
      failed: reject,
    });
  });
}

/** A stream also ends when its view is dropped: is the view still the one that was streamed? */
async function isSameRelation(connection: Connection, parts: StreamParts): Promise<boolean> {
  await connection.query('ROLLBACK');
  const relation = await describeRelation(connection.query, parts.dialect, parts.view);
  return JSON.stringify(relation) === JSON.stringify(parts.relation);
}

/**
 * The older line keeps an error to itself in the extended protocol until a Sync, which a cursor
 * never sends: so whether the statement is taken and its AS OF in reach is asked by a simple query.
 * DECLARE is lazy, FETCH 0 starts it.
 */
async function probe(connection: Connection, statement: string): Promise<void> {
  await connection.query('BEGIN');
  await connection.query(`DECLARE viewcast_probe CURSOR FOR ${statement}`);
  await connection.query('FETCH 0 viewcast_probe');
  await connection.query('ROLLBACK');
}

/** Carries parsed rows into the sink. After an error it carries nothing more. */
class Pump {
  readonly #parts: StreamParts;
  readonly #gate: SnapshotGate;
  /** A progress row came beyond the as-of time: this view can change. */
  moved = false;
  stopped = false;
  #started = false;
  #complete = false;
  #cancelSettle = () => {};

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#gate = new SnapshotGate({
      dialect: parts.dialect,
      snapshot: parts.request.snapshot,
      asOf: parts.request.atLeast ? null : parts.request.asOf,
      startedAt: parts.clock.now(),
    });
  }

  row(row: StreamRow): void {
    this.#start();
    if (row.kind === 'data') this.#data(row);
    else this.#progress(row.time);
  }

  /** The stream ended and nothing can follow: whatever came is complete. */
  finish(): void {
    this.#start();
    this.#parts.sink.progress('end');
  }

  stop(): void {
    this.stopped = true;
    this.#cancelSettle();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const { sink, relation, request, caughtUpAbove } = this.#parts;
    sink.start(relation, { snapshot: request.snapshot, caughtUpAbove });
  }

  #data(row: Extract<StreamRow, { kind: 'data' }>): void {
    this.#gate.data(row.time);
    if (!this.#complete) this.#parts.silence.heard();
    // Rows of a view that can never change carry the time 2^64 − 1; they are there from the start.
    const time = row.time === 'end' ? 0 : row.time;
    this.#parts.sink.update({ row: row.row, time, diff: row.diff });
  }

  #progress(time: Timestamp | 'end'): void {
    if (!this.#gate.progress(time)) {
      this.#parts.silence.heard();
      return;
    }
    if (!this.#complete) this.#completed();
    const asOf = this.#parts.request.asOf ?? -1;
    if (time !== 'end' && time > asOf) this.moved = true;
    this.#parts.sink.progress(time);
    this.#parts.silence.heard(SILENCE_LIMIT_MS);
    this.#parts.onProgress();
  }

  #completed(): void {
    this.#complete = true;
    const { clock, sink } = this.#parts;
    this.#cancelSettle = clock.after(SETTLE_MS, () => sink.settle());
  }
}
