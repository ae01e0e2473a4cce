/**
 * What a view was: one entry for each distinct update timestamp, back to a limit of age and bytes,
 * so that the difference to any frontier in reach can be told exactly. Entries are numbered; blocks
 * of 16, 256, 4,096 … neighbours are kept merged beside them, so that a difference over minutes
 * merges some dozens of blocks and a counter bumped 10,000 times costs one pair.
 *
 *   level 2  |        0–255        |        256–511      |
 *   level 1  |0–15|16–31| …                                   a difference from 14 on takes
 *   level 0  0 1 2 … 14 15 16 …                               14, 15, 16–31 …, 256–511, …
 */
import { addAll } from '../../protocol/multiset.ts';
import type { Changes, Diff, RowText, Timestamp } from '../../protocol/update.ts';

/** All changes whose times lie within `first ≤ time ≤ last`; usually of one time. */
export interface Entry {
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly changes: Changes;
  readonly bytes: number;
}

export interface HistoryLimits {
  /** How far back, in ms of logical time before the newest. */
  readonly ageMs: number;
  /** Estimated bytes of the entries; the merged blocks share their texts and are not counted. */
  readonly bytes: number;
}

/** Back to 5 minutes or 64 MiB, whichever is less. */
export const DEFAULT_LIMITS: HistoryLimits = { ageMs: 300_000, bytes: 64 * 1024 * 1024 };

const FANOUT = 16;
const LEVELS = 5;
/** What V8 takes for an entry of a Map and its string, beside the characters. */
const BYTES_PER_CHANGE = 64;
/** Dropped entries wait in front of the array until they are so many: shifting costs O(n). */
const MAX_DROPPED = 1_024;

export class History {
  readonly #limits: HistoryLimits;
  /** Entry number n stands at `n − #base`; those before `#head` were dropped. */
  #entries: Entry[] = [];
  #base = 0;
  #head = 0;
  /** Merged blocks by level (1 …) and block number: block b covers `b·16^level …`. */
  readonly #blocks: readonly Map<number, Changes>[];
  #start: Timestamp;
  #bytes = 0;

  /** A history that reaches back to the frontier `start`. */
  constructor(start: Timestamp, limits: HistoryLimits = DEFAULT_LIMITS) {
    this.#start = start;
    this.#limits = limits;
    this.#blocks = Array.from({ length: LEVELS }, () => new Map());
  }

  /** The earliest frontier that `since` can start from. */
  get start(): Timestamp {
    return this.#start;
  }

  /** Estimated bytes of the entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#base + this.#entries.length - this.#head;
  }

  /**
   * Adds the changes of the times from `first` to `last`, both included and later than all before.
   * No difference can start inside. The changes are kept: do not change them afterwards.
   */
  append(first: Timestamp, last: Timestamp, changes: Changes): void {
    if (changes.size === 0 && first === last) return;
    const bytes = estimateBytes(changes);
    this.#entries.push({ first, last, changes, bytes });
    this.#bytes += bytes;
    this.#merge(this.#base + this.#entries.length);
  }

  /** Forgets what is beyond the limits, the newest frontier being `now`. Amortised O(1). */
  trim(now: Timestamp): void {
    const oldest = now - this.#limits.ageMs;
    for (;;) {
      const entry = this.#entries[this.#head - this.#base];
      if (entry === undefined) break;
      if (entry.last >= oldest && this.#bytes <= this.#limits.bytes) break;
      this.#bytes -= entry.bytes;
      this.#start = entry.last + 1;
      this.#head++;
      this.#dropBlocks();
    }
    if (oldest > this.#start) this.#start = oldest;
    if (this.#head - this.#base > MAX_DROPPED) {
      this.#entries = this.#entries.slice(this.#head - this.#base);
      this.#base = this.#head;
    }
  }

  /** The consolidated changes of all times from `lower` on; null when that is out of reach. */
  since(lower: Timestamp): Map<RowText, Diff> | null {
    if (lower < this.#start) return null;
    let n = this.#firstFrom(lower);
    const before = n > this.#head ? this.#entries[n - 1 - this.#base] : undefined;
    if (before !== undefined && before.last >= lower) return null;
    const changes = new Map<RowText, Diff>();
    const end = this.#base + this.#entries.length;
    while (n < end) {
      const { level, block } = this.#largestBlock(n);
      addAll(changes, block);
      n += FANOUT ** level;
    }
    return changes;
  }

  /** The entries that tell of the time `lower` or a later one, oldest first. */
  entriesFrom(lower: Timestamp): readonly Entry[] {
    const n = this.#firstFrom(lower);
    const before = n > this.#head ? this.#entries[n - 1 - this.#base] : undefined;
    const straddles = before !== undefined && before.last >= lower;
    return this.#entries.slice((straddles ? n - 1 : n) - this.#base);
  }

  /** The number of the first entry that starts at `lower` or later. */
  #firstFrom(lower: Timestamp): number {
    let low = this.#head;
    let high = this.#base + this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle - this.#base];
      if (entry !== undefined && entry.first < lower) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The largest merged block that starts at entry `n`; at level 0 the entry itself. */
  #largestBlock(n: number): { readonly level: number; readonly block: Changes } {
    for (let level = LEVELS; level > 0; level--) {
      const span = FANOUT ** level;
      const block = n % span === 0 ? this.#blocks[level - 1]?.get(n / span) : undefined;
      if (block !== undefined) return { level, block };
    }
    return { level: 0, block: this.#entries[n - this.#base]?.changes ?? new Map() };
  }

  /** Merges each block that the entries up to number `end` have just completed. */
  #merge(end: number): void {
    for (let level = 1; level <= LEVELS && end % FANOUT ** level === 0; level++) {
      const span = FANOUT ** level;
      if (end - span < this.#head) return;
      const merged = new Map<RowText, Diff>();
      for (let n = end - span; n < end; n += span / FANOUT) {
        addAll(merged, this.#largestBlock(n).block);
      }
      this.#blocks[level - 1]?.set(end / span - 1, merged);
    }
  }

  /** Drops the blocks that start at the entry which was just dropped. */
  #dropBlocks(): void {
    const dropped = this.#head - 1;
    for (let level = 1; level <= LEVELS && dropped % FANOUT ** level === 0; level++) {
      this.#blocks[level - 1]?.delete(dropped / FANOUT ** level);
    }
  }
}

function estimateBytes(changes: Changes): number {
  let bytes = BYTES_PER_CHANGE;
  for (const row of changes.keys()) bytes += row.length + BYTES_PER_CHANGE;
  return bytes;
}
