import { createHash } from 'node:crypto';
import { RowsHash } from '../../protocol/hash.ts';
import { add, addAll } from '../../protocol/multiset.ts';
import {
  type Changes,
  compareFrontiers,
  type Diff,
  earlier,
  type Frontier,
  type RowText,
} from '../../protocol/update.ts';
import { frontierAt, type Position, standsAt } from './position.ts';
import type { LiveView } from './view.ts';

/** From one position of a group to the next. */
export interface Step {
  readonly lower: Position;
  readonly upper: Position;
  readonly changes: ReadonlyMap<string, Changes>;
}

/** What a viewer of some earlier position lacks, or why that cannot be said. */
export type Missing =
  | { readonly kind: 'changes'; readonly changes: ReadonlyMap<string, Changes> }
  | { readonly kind: 'expired' }
  /** The viewer has seen more than this group has shown yet. */
  | { readonly kind: 'ahead' };

/** A view that stands still so long no longer holds up the others. */
const STRAGGLER_MS = 2_000;

/** One view of a group: `at` is what was shown, `pending` what came since. */
interface Standing {
  readonly view: LiveView;
  at: Frontier;
  pending: Map<RowText, Diff>;
  /** Kept once somebody asked for it; the hash of the rows shown. */
  hash: RowsHash | null;
  seen: Frontier;
  movedMs: number;
}

/**
 * Several views of one epoch each as one: shown together, at the least of their frontiers. Made
 * anew when one of them gets another epoch. What was shown is the group's position; nothing moves
 * it but `advance`.
 */
export class Group {
  readonly epoch: string;
  readonly #standings: readonly Standing[];
  #position: Position;

  /** All views must be hydrated. */
  constructor(views: readonly LiveView[], nowMs: number) {
    this.epoch = groupEpoch(views.map(({ epoch }) => epoch));
    this.#standings = views.map((view) => {
      const at = frontierOf(view);
      return { view, at, pending: new Map(), hash: null, seen: at, movedMs: nowMs };
    });
    this.#position = { frontier: least(this.#standings.map(({ at }) => at)), held: {} };
    // Views that are ahead at the start are shown as they were at the least frontier, if known.
    for (const standing of this.#standings) this.#takeBack(standing);
    this.#position = this.#place(this.#position.frontier);
  }

  get position(): Position {
    return this.#position;
  }

  /** To be called with each batch of the view: what is not shown yet. */
  add(view: LiveView, changes: Changes): void {
    for (const standing of this.#standings) {
      if (standing.view === view) addAll(standing.pending, changes);
    }
  }

  /**
   * The step to the least frontier of the views, less those that have stood still for 2 s while
   * others moved; null when there is none. Taking it makes it the position.
   */
  advance(nowMs: number): Step | null {
    const target = this.#target(nowMs);
    const lower = this.#position;
    if (target === null || compareFrontiers(target, lower.frontier) <= 0) return null;
    const later = this.#standings.map((standing) =>
      laterThan(standing, ownTarget(standing, target)),
    );
    if (later.includes(null)) return null;
    const changes = new Map<string, Changes>();
    this.#standings.forEach((standing, index) => {
      const taken = this.#take(standing, later[index] ?? new Map(), target);
      if (taken.size > 0) changes.set(standing.view.name, taken);
    });
    this.#position = this.#place(target);
    return { lower, upper: this.#position, changes };
  }

  /** Whether anything came that is not shown yet. */
  get hasPending(): boolean {
    return this.#standings.some(({ pending }) => pending.size > 0);
  }

  /**
   * Whether the position shows all of every view up to the frontier. What stands still needs no
   * step: nothing may be pending where the views have come so far.
   */
  shows(frontier: Frontier): boolean {
    if (standsAt(this.#position, frontier)) return true;
    return (
      !this.hasPending &&
      this.#standings.every(({ view }) => compareFrontiers(view.frontier ?? 0, frontier) >= 0)
    );
  }

  /** Whether the views themselves have come as far as `from`, whatever of it is shown. */
  reaches(from: Position): boolean {
    return this.#standings.every(
      ({ view }) => compareFrontiers(view.frontier ?? 0, frontierAt(from, view.name)) >= 0,
    );
  }

  /** About how many different rows the views have. */
  get rowCount(): number {
    return this.#standings.reduce((sum, { view }) => sum + view.rows.size, 0);
  }

  /** The views' rows at the position. O(rows) where something is pending. */
  rows(): ReadonlyMap<string, Changes> {
    return new Map(
      this.#standings.map(({ view, pending }) => [view.name, without(view.rows, pending)]),
    );
  }

  /** The hash of each view's rows at the position. */
  hashes(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#standings.map((standing) => {
        if (standing.hash === null) {
          standing.hash = new RowsHash();
          standing.hash.addAll(without(standing.view.rows, standing.pending));
        }
        return [standing.view.name, standing.hash.toString()];
      }),
    );
  }

  /** What leads from an earlier position of this epoch to this one. */
  since(from: Position): Missing {
    // Of all views first: a snapshot, too, would take back who is ahead in one of them.
    const isAhead =
      compareFrontiers(from.frontier, this.#position.frontier) > 0 ||
      this.#standings.some(({ view, at }) => compareFrontiers(frontierAt(from, view.name), at) > 0);
    if (isAhead) return { kind: 'ahead' };
    const changes = new Map<string, Changes>();
    for (const { view, at, pending } of this.#standings) {
      const lower = frontierAt(from, view.name);
      if (lower === at || lower === 'end') continue;
      const batch = view.since(view.epoch, lower);
      if (batch === null) return { kind: 'expired' };
      const missed = without(batch.changes, pending);
      if (missed.size > 0) changes.set(view.name, missed);
    }
    return { kind: 'changes', changes };
  }

  #target(nowMs: number): Frontier | null {
    for (const standing of this.#standings) {
      const frontier = frontierOf(standing.view);
      if (frontier !== standing.seen) standing.movedMs = nowMs;
      standing.seen = frontier;
    }
    const moving = this.#standings.filter(({ movedMs }) => nowMs - movedMs < STRAGGLER_MS);
    const frontiers = moving.map(({ seen }) => seen);
    // A view that stands still ahead of the others holds nobody up.
    return frontiers.length === 0 ? null : least(frontiers);
  }

  #take(standing: Standing, later: Changes, target: Frontier): Changes {
    const taken = without(standing.pending, later);
    standing.pending = new Map(later);
    standing.at = earlier(standing.seen, ownTarget(standing, target));
    standing.hash?.addAll(taken);
    return taken;
  }

  #takeBack(standing: Standing): void {
    const { frontier } = this.#position;
    const later = laterThan(standing, frontier);
    if (later === null) return;
    standing.pending = new Map(later);
    standing.at = earlier(standing.at, frontier);
  }

  #place(frontier: Frontier): Position {
    const behind = this.#standings.filter(({ at }) => at !== frontier);
    return {
      frontier,
      held: Object.fromEntries(behind.map(({ view, at }) => [view.name, at])),
    };
  }
}

/** The epoch of one view is its own; of several, a hash of theirs in order. */
export function groupEpoch(epochs: readonly string[]): string {
  const [only = ''] = epochs;
  if (epochs.length === 1) return only;
  return createHash('sha256').update(JSON.stringify(epochs)).digest('base64url').slice(0, 16);
}

/** Where a view of the group goes: never back. */
const ownTarget = ({ at }: Standing, target: Frontier): Frontier =>
  compareFrontiers(at, target) > 0 ? at : target;

/** The changes of a view from `target` on; nothing when it has not come so far, null if unknown. */
function laterThan({ view, seen }: Standing, target: Frontier): Changes | null {
  if (compareFrontiers(seen, target) <= 0 || target === 'end') return new Map();
  return view.since(view.epoch, target)?.changes ?? null;
}

/** `changes` minus `less`. */
function without(changes: Changes, less: Changes): Changes {
  if (less.size === 0) return changes;
  const rest = new Map(changes);
  for (const [row, diff] of less) add(rest, row, -diff);
  return rest;
}

const least = (frontiers: readonly Frontier[]): Frontier => frontiers.reduce(earlier, 'end');

function frontierOf(view: LiveView): Frontier {
  if (view.frontier === null) throw new Error(`expected ${view.name} to be hydrated`);
  return view.frontier;
}
