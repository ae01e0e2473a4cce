/**
 * When is a snapshot complete? Not at the first progress row (Materialize docs, SUBSCRIBE; the
 * older line may send progress at or below the snapshot's time before it). All rows of a snapshot
 * carry its as-of time, so the first progress above that time completes it. The time is known
 *
 * - from the AS OF that was asked for,
 * - from the first progress row on the newer line, which is always at the as-of time,
 * - from the first data row on the older line without AS OF; a view that stays empty has none and
 *   is complete at a second progress row that is later than the wall clock at the start, or at the
 *   third whatever the clocks say (seen in 18 recorded starts: at most one precedes the snapshot).
 */
import { compareFrontiers, type Frontier, type Timestamp } from '../../protocol/update.ts';
import type { Dialect } from './dialect.ts';

/** Decides, for one stream, which progress rows count. Pure; O(1) a row. */
export class SnapshotGate {
  readonly #dialect: Dialect;
  /** Wall clock at the start, for empty views of the older line. */
  readonly #startedAt: Timestamp;
  #asOf: Frontier | null;
  #progressRows = 0;
  #complete: boolean;

  constructor(start: {
    readonly dialect: Dialect;
    readonly snapshot: boolean;
    readonly asOf: Timestamp | null;
    readonly startedAt: Timestamp;
  }) {
    this.#dialect = start.dialect;
    this.#asOf = start.asOf;
    this.#startedAt = start.startedAt;
    this.#complete = !start.snapshot;
  }

  /** A data row at this time came. */
  data(time: Frontier): void {
    if (this.#dialect === 'tail') this.#asOf ??= time;
  }

  /** A progress row came; true when the snapshot is complete with it, or was before. */
  progress(time: Frontier): boolean {
    this.#progressRows++;
    if (!this.#complete) this.#complete = this.#completes(time);
    return this.#complete;
  }

  #completes(time: Frontier): boolean {
    if (this.#asOf !== null) return compareFrontiers(time, this.#asOf) > 0;
    if (this.#dialect === 'subscribe') {
      this.#asOf = time;
      return false;
    }
    const late = compareFrontiers(time, this.#startedAt) > 0;
    return this.#progressRows >= 3 || (this.#progressRows === 2 && late);
  }
}
