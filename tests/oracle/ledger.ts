import type { Plan } from './workload.ts';

/** A transaction that committed, or may have. */
export interface Transaction {
  readonly n: number;
  readonly plan: Plan;
  /** Whether the engine said that it is committed. */
  acknowledged: boolean;
  /** Its time, when the cursor on `txn` told; else it lies within `[least, most]`. */
  least: number;
  most: number;
}

/** How many transactions of a timeline a frontier may hold: `least` to `most`, both included. */
export interface Prefixes {
  readonly least: number;
  readonly most: number;
}

/** An engine that stood still before its last tick has gone far with it. */
const LAST_TICK_MS = 20_000;

/**
 * One store's transactions in the order of their commits, which is that of their numbers: there is
 * one writer. Times come from a raw cursor on the table `txn`; those that committed just before the
 * engine was killed are known only to lie between its last progress and its first after.
 */
export class Timeline {
  readonly name: number;
  #transactions: Transaction[] = [];
  readonly #byNumber = new Map<number, Transaction>();
  #inFlight: Transaction | null = null;
  /** All times below are told. */
  #frontier = 0;
  #isAbandoned = false;

  constructor(name: number) {
    this.name = name;
  }

  get transactions(): readonly Transaction[] {
    return this.#transactions;
  }

  /** What the cursor on `txn` has told: every transaction with a time below. */
  get frontier(): number {
    return this.#frontier;
  }

  /** A transaction is about to be committed. */
  begin(n: number, plan: Plan): void {
    const transaction = { n, plan, acknowledged: false, least: 0, most: Infinity };
    this.#inFlight = transaction;
    this.#transactions.push(transaction);
    this.#byNumber.set(n, transaction);
  }

  acknowledge(n: number): void {
    const transaction = this.#byNumber.get(n);
    if (transaction === undefined) throw new Error(`transaction ${n} was never begun`);
    transaction.acknowledged = true;
    this.#inFlight = null;
  }

  /** The cursor saw a transaction. */
  tell(n: number, time: number): void {
    const transaction = this.#byNumber.get(n);
    if (transaction === undefined) {
      throw new Error(`the engine shows transaction ${n} at ${time}, which never committed`);
    }
    if (transaction.most !== Infinity) {
      throw new Error(`the engine shows transaction ${n} twice: ${transaction.most} and ${time}`);
    }
    if (time < this.#frontier) {
      throw new Error(`transaction ${n} came with ${time}, below the frontier ${this.#frontier}`);
    }
    transaction.least = time;
    transaction.most = time;
  }

  progress(frontier: number): void {
    if (frontier < this.#frontier) {
      throw new Error(`the cursor on txn went back from ${this.#frontier} to ${frontier}`);
    }
    this.#frontier = frontier;
  }

  /**
   * The engine is back with its data: `present` are the numbers in its table `txn` at `frontier`.
   * What was acknowledged must be there, what was under way may be.
   */
  reopen(present: ReadonlySet<number>, frontier: number): void {
    let last = this.#frontier;
    for (const transaction of this.#transactions) {
      const { n, acknowledged } = transaction;
      const isThere = present.has(n);
      if (acknowledged && !isThere) throw new Error(`transaction ${n} was acknowledged and lost`);
      if (!acknowledged && transaction !== this.#inFlight) {
        throw new Error(`transaction ${n} is neither acknowledged nor under way`);
      }
      if (!isThere && transaction.most !== Infinity) {
        throw new Error(`transaction ${n} was shown at ${transaction.most} and lost`);
      }
      if (isThere && transaction.most === Infinity) {
        transaction.least = last;
        transaction.most = frontier - 1;
      }
      last = Math.max(last, transaction.least);
    }
    for (const n of present) {
      if (!this.#byNumber.has(n)) throw new Error(`${n} is in txn, but never committed`);
    }
    for (const { n } of this.#transactions) if (!present.has(n)) this.#byNumber.delete(n);
    for (const transaction of this.#transactions) transaction.acknowledged = true;
    this.#transactions = this.#transactions.filter(({ n }) => present.has(n));
    this.#inFlight = null;
    this.progress(frontier);
  }

  /** The store is gone for good: what was under way stays unknown. */
  abandon(): void {
    let last = this.#frontier;
    for (const transaction of this.#transactions) {
      if (transaction.most === Infinity) transaction.least = last;
      last = Math.max(last, transaction.least);
    }
    this.#isAbandoned = true;
  }

  /** No viewer can stand beyond. An engine may tell others of a last tick that the cursor missed. */
  get limit(): number {
    return this.#isAbandoned ? this.#frontier + LAST_TICK_MS : this.#frontier;
  }

  /** How many transactions a viewer at `frontier` holds. O(log n). */
  prefixes(frontier: number): Prefixes {
    return {
      least: this.#count(({ most }) => most < frontier),
      most: this.#count(({ least }) => least < frontier),
    };
  }

  /** How many of the first transactions fulfil the condition, which holds for a prefix of them. */
  #count(holds: (transaction: Transaction) => boolean): number {
    let low = 0;
    let high = this.#transactions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const transaction = this.#transactions[middle];
      if (transaction !== undefined && holds(transaction)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
