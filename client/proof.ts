import { RowsHash } from '../protocol/hash.ts';
import type { Applied, Feed } from './feed.ts';

/** Up to so many rows are hashed anew at each proof of quiet: about 5 ms. */
const MAX_REHASHED_ROWS = 10_000;

/**
 * The hashes of a line's rows, kept up to date change by change, to hold against the server's
 * (PROTOCOL.md, "Progress"). Loaded while the first rows are on show already.
 */
export class Proof {
  readonly #feed: Feed;
  readonly #hashes = new Map<string, RowsHash>();

  constructor(feed: Feed) {
    this.#feed = feed;
    if (feed.known) this.batch(feed.everything());
  }

  /** For the line: the rows moved. */
  batch({ changes }: Pick<Applied, 'changes'>): void {
    for (const [view, rows] of changes) {
      const hash = this.#hashes.get(view) ?? new RowsHash();
      this.#hashes.set(view, hash);
      for (const [diff, row] of rows) hash.add(JSON.stringify(row), diff);
    }
  }

  /**
   * Whether a view's rows are those of that hash. Small views are hashed as they stand, so that a
   * value damaged since is found; large ones by what they have taken.
   */
  matches(view: string, expected: string): boolean {
    const hash = this.#hashes.get(view) ?? new RowsHash();
    if (hash.toString() !== expected) return false;
    const rows = this.#feed.rows(view);
    if (rows === undefined || rows.size > MAX_REHASHED_ROWS) return true;
    const anew = new RowsHash();
    for (const [, row, multiplicity] of rows.entries()) anew.add(JSON.stringify(row), multiplicity);
    return anew.toString() === expected;
  }
}
