import { hash } from 'node:crypto';
import type { Question } from './question.ts';

/** A row as values in column order. */
export type Row = readonly unknown[];

/**
 * A multiset of rows with a fingerprint that does not depend on their order: the sum of 64 bits of
 * each row's MD5. It shares nothing with the project's own multisets and hashes.
 */
export class Bag {
  readonly #rows = new Map<string, number>();
  /** Rows that stand there less than zero times. */
  readonly #impossible = new Set<string>();
  #sum = 0n;
  #count = 0;

  add(row: Row, diff: number): void {
    const text = JSON.stringify(row);
    const next = (this.#rows.get(text) ?? 0) + diff;
    if (next === 0) this.#rows.delete(text);
    else this.#rows.set(text, next);
    if (next < 0) this.#impossible.add(text);
    else this.#impossible.delete(text);
    this.#sum = BigInt.asUintN(64, this.#sum + BigInt(diff) * fingerprintOf(text));
    this.#count += diff;
  }

  /** A row that stands there less than zero times, if there is one: it was deleted twice. */
  get impossible(): string | undefined {
    const [row] = this.#impossible;
    return row;
  }

  /** Different rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** Equal for equal multisets, and for no others that ever meet. */
  get fingerprint(): string {
    return `${this.#count}:${this.#sum.toString(16)}`;
  }

  /** The rows, `row × times`, sorted; for people. */
  list(): readonly string[] {
    return [...this.#rows].map(([row, times]) => (times === 1 ? row : `${row} × ${times}`)).sort();
  }
}

function fingerprintOf(text: string): bigint {
  return hash('md5', text, 'buffer').readBigUInt64BE(0);
}

/** Rows of a holding that are kept with each sighting, for people to compare. */
const MOST_LISTED_ROWS = 100;

/** What one client holds of one question. Each step is a claim, which `see` hears of. */
export class Holding {
  readonly question: Question;
  readonly #client: string;
  readonly #isResuming: boolean;
  readonly #see: (sighting: Sighting) => void;
  #bag = new Bag();
  #epoch: string | null = null;
  #frontier: number | null = null;
  #isWhole = false;
  #visit = 0;
  #life = 0;

  /** `isResuming`: whether each visit goes on from where the one before ended. */
  constructor(
    client: string,
    question: Question,
    isResuming: boolean,
    see: (sighting: Sighting) => void,
  ) {
    this.#client = client;
    this.question = question;
    this.#isResuming = isResuming;
    this.#see = see;
  }

  /** Starts from nothing, as another client would. */
  forget(): void {
    this.#bag = new Bag();
    this.#epoch = null;
    this.#frontier = null;
    this.#life++;
  }

  /** What comes from now on may come from another server. */
  visit(): void {
    this.#visit++;
  }

  /** Null before the first rows. */
  get frontier(): number | null {
    return this.#frontier;
  }

  /** What names the meaning of its frontier; null when the client's kind is told nothing. */
  get epoch(): string | null {
    return this.#epoch;
  }

  /** These rows take the place of all before. */
  replace(rows: Iterable<Row>, frontier: number, epoch: string | null, how: string): void {
    this.#bag = new Bag();
    this.#isWhole = true;
    this.change([], rows, frontier, epoch, how);
    this.#isWhole = false;
  }

  /** @throws when a row is deleted that is not there: a gap, or a change applied twice. */
  change(
    deleted: Iterable<Row>,
    inserted: Iterable<Row>,
    frontier: number,
    epoch: string | null,
    how: string,
  ): void {
    for (const row of inserted) this.#bag.add(row, 1);
    for (const row of deleted) this.#bag.add(row, -1);
    this.#epoch = epoch;
    this.#frontier = frontier;
    const { impossible } = this.#bag;
    if (impossible !== undefined) {
      const what = `${this.#client} was told at ${frontier} to delete ${impossible}`;
      throw new Error(`${what}, which it does not hold (${how})`);
    }
    this.#tell(how);
  }

  /** Nothing changed up to `frontier`, which may be one of another epoch. */
  prove(frontier: number, epoch: string | null = this.#epoch): void {
    this.#epoch = epoch;
    this.#frontier = frontier;
    this.#tell('quiet');
  }

  /** Whether it holds these rows now. */
  holds(fingerprint: string): boolean {
    return this.#frontier !== null && this.#bag.fingerprint === fingerprint;
  }

  #tell(how: string): void {
    if (this.#frontier === null) return;
    this.#see({
      client: this.#client,
      question: this.question,
      life: this.#life,
      visit: this.#visit,
      isResuming: this.#isResuming,
      isWhole: this.#isWhole,
      epoch: this.#epoch,
      frontier: this.#frontier,
      fingerprint: this.#bag.fingerprint,
      rows: this.#bag.size <= MOST_LISTED_ROWS ? this.#bag.list() : null,
      how,
    });
  }
}

/** One claim of a client: at this frontier the answer is what I hold. */
export interface Sighting {
  readonly client: string;
  readonly question: Question;
  /** Counts how often the client began from nothing. */
  readonly life: number;
  /** Counts the client's connections, or requests: one goes to one server. */
  readonly visit: number;
  /** Whether the client goes on from one visit to the next, by epoch and frontier. */
  readonly isResuming: boolean;
  /** Whether all rows came anew. */
  readonly isWhole: boolean;
  /** What the client was told of the epoch; null when its kind is told nothing. */
  readonly epoch: string | null;
  readonly frontier: number;
  readonly fingerprint: string;
  /** The rows, while they are few. */
  readonly rows: readonly string[] | null;
  /** How it came, for people. */
  readonly how: string;
}
