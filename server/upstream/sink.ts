import type { Frontier, Timestamp, Update } from '../../protocol/update.ts';
import type { Relation } from './relation.ts';

/** What an upstream calls with what it learns of one view; the view stage provides it by shape. */
export interface Sink {
  /** The frontier from which the sink can go on, if it holds this very relation; else null. */
  heldFrontier(relation: Relation): Timestamp | null;
  /**
   * A stream begins; what an earlier one brought after its last progress is void. With `snapshot`
   * the rows up to the first progress are the whole view, and it is not to be shown before its
   * frontier is above `caughtUpAbove`, or `settle` is called.
   */
  start(relation: Relation, how: StartHow): void;
  /** @throws when the update contradicts what is held: the upstream then starts over. */
  update(update: Update): void;
  /** No later update has a time below `frontier`. @throws as `update`. */
  progress(frontier: Frontier): void;
  /** Time is up for catching up: show what is complete. */
  settle(): void;
  /** Nothing was heard for 3 s; the next progress ends it. */
  stale(): void;
  /** The database has no such view now. */
  gone(): void;
}

export interface StartHow {
  readonly snapshot: boolean;
  readonly caughtUpAbove: Timestamp | null;
}
