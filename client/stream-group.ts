import { hashOf } from '../protocol/hash.ts';
import type {
  BatchMessage,
  FilterValue,
  Held,
  ResumePoint,
  Subscribe,
  Subscribed,
} from '../protocol/message.ts';
import { add, addAll, difference } from '../protocol/multiset.ts';
import {
  type Changes,
  type Column,
  compareFrontiers,
  type Diff,
  type Frontier,
  type RowText,
} from '../protocol/update.ts';
import type { CatalogueEntry } from './catalogue.ts';
import type { Row } from './rows.ts';
import type { StreamMessage } from './stream-message.ts';

/** A stream went where a subscription cannot follow; a new one can. */
export class StreamBreak extends Error {
  override readonly name = 'StreamBreak';
}

/** One view of a group, as its stream tells it. */
interface Standing {
  readonly entry: CatalogueEntry;
  readonly fits: (row: Row) => boolean;
  /** What the stream has told; null before its first message. */
  frontier: Frontier | null;
  pending: Map<RowText, Diff>;
  /** All rows, in groups of several views: a stream may say the whole view anew. */
  readonly rows: Map<RowText, number>;
}

/**
 * One subscription over the streams of its views: takes what they say and gives the batches that a
 * WebSocket would have brought. Pure. Streams do not wait for each other, so views that are behind
 * are named in `held` (PROTOCOL.md, "Several views").
 */
export class StreamGroup {
  readonly #request: Subscribe;
  readonly channel: number;
  readonly #epoch: string;
  readonly #standings: ReadonlyMap<string, Standing>;
  /** The frontier of the last batch. */
  #lower: Frontier | null = null;
  /** Whether the first batch is still to be given. */
  #begins = true;

  /** @throws {RangeError} when a column of a filter is not there. */
  constructor(request: Subscribe, channel: number, entries: readonly CatalogueEntry[]) {
    this.#request = request;
    this.channel = channel;
    this.#epoch = groupEpoch(entries);
    const { from, views } = request;
    // The position of a group is not that of its streams; only one view goes on from it.
    const resumes = from?.epoch === this.#epoch && views.length === 1;
    if (resumes) this.#lower = from.timestamp;
    this.#standings = new Map(
      entries.map((entry, place) => [
        entry.name,
        {
          entry,
          fits: filterOf(views[place]?.where, entry.columns),
          frontier: this.#lower,
          pending: new Map(),
          rows: new Map(),
        },
      ]),
    );
  }

  /** The resume token for the streams; null where they are to begin with the whole view. */
  get token(): string | null {
    return this.#lower === null || this.#standings.size > 1
      ? null
      : `${this.#epoch}.${this.#lower}`;
  }

  /** Where to go on from after the last batch. */
  get position(): ResumePoint | undefined {
    return this.#lower === null ? undefined : { epoch: this.#epoch, timestamp: this.#lower };
  }

  /** What announces the batches. */
  subscribed(): Subscribed {
    const entries = [...this.#standings.values()].map(({ entry }) => entry);
    return {
      type: 'subscribed',
      id: this.#request.id,
      channel: this.channel,
      epoch: this.#epoch,
      columns: Object.fromEntries(entries.map(({ name, columns }) => [name, columns])),
      resumed: this.#lower === null ? 'snapshot' : 'batch',
    };
  }

  /**
   * Takes a message of a view's stream.
   *
   * @throws {StreamBreak} when timestamps mean something else than before.
   */
  message(view: string, message: StreamMessage, token: string | null): void {
    const standing = this.#standing(view);
    this.#move(standing, message.timestamp, token);
    const whole = message.snapshot || standing.frontier === null;
    const changes = changesOf(message, standing.fits);
    if (this.#standings.size === 1) {
      if (whole) {
        standing.pending.clear();
        this.#lower = null;
      }
      addAll(standing.pending, changes);
    } else {
      const moved = whole ? difference(standing.rows, changes) : changes;
      addAll(standing.rows, moved);
      addAll(standing.pending, moved);
    }
    standing.frontier = message.timestamp;
  }

  /**
   * Takes a view's proof of quiet.
   *
   * @throws {StreamBreak} as `message` does.
   */
  quiet(view: string, token: string): void {
    const standing = this.#standing(view);
    const frontier = frontierOf(token);
    this.#move(standing, frontier, token);
    if (standing.frontier !== null) standing.frontier = frontier;
  }

  /**
   * The batch of all that was taken since the last one; null when there is none to give yet.
   *
   * @param always whether to say it when nothing is new, too: a sign of life
   */
  flush(always = false): BatchMessage | null {
    const at = [...this.#standings.values()].map(({ frontier }) => frontier);
    if (at.some((frontier) => frontier === null)) return null;
    const upper = at.reduce<Frontier>((most, one) => later(most, one ?? 0), 0);
    const moved = [...this.#standings.values()].some(({ pending }) => pending.size > 0);
    if (!moved && upper === this.#lower && !this.#begins && !always) return null;
    const { held, changes } = this.#take(upper);
    const batch = { type: 'batch', channel: this.channel, lower: this.#lower, upper } as const;
    this.#lower = upper;
    this.#begins = false;
    return Object.keys(held).length === 0 ? { ...batch, changes } : { ...batch, changes, held };
  }

  #take(upper: Frontier): { readonly held: Held; readonly changes: BatchMessage['changes'] } {
    const held: [string, Frontier][] = [];
    const changes: [string, BatchMessage['changes'][string]][] = [];
    for (const [view, standing] of this.#standings) {
      const { frontier, pending } = standing;
      if (frontier !== null && frontier !== upper) held.push([view, frontier]);
      if (pending.size === 0) continue;
      changes.push([view, [...pending].map(([text, diff]) => [diff, JSON.parse(text) as Row])]);
      standing.pending = new Map();
    }
    return { held: Object.fromEntries(held), changes: Object.fromEntries(changes) };
  }

  #move({ entry, frontier }: Standing, to: Frontier, token: string | null): void {
    if (token !== null && token.slice(0, token.lastIndexOf('.')) !== entry.epoch) {
      throw new StreamBreak(
        `${entry.name} was of epoch ${entry.epoch}, and now stands at ${token}`,
      );
    }
    if (frontier !== null && compareFrontiers(to, frontier) < 0) {
      throw new StreamBreak(`${entry.name} went back from ${frontier} to ${to}`);
    }
  }

  #standing(view: string): Standing {
    const standing = this.#standings.get(view);
    if (standing === undefined) throw new RangeError(`${view} is no view of this group`);
    return standing;
  }
}

function groupEpoch(entries: readonly CatalogueEntry[]): string {
  const [only] = entries;
  if (only !== undefined && entries.length === 1) return only.epoch;
  return hashOf(new Map([[JSON.stringify(entries.map(({ epoch }) => epoch)), 1]]));
}

/** The frontier that a token names. */
function frontierOf(token: string): Frontier {
  const text = token.slice(token.lastIndexOf('.') + 1);
  const number = Number(text);
  if (text === 'end') return text;
  if (Number.isSafeInteger(number)) return number;
  throw new StreamBreak(`expected a token, got ${token}`);
}

function later(a: Frontier, b: Frontier): Frontier {
  return compareFrontiers(a, b) < 0 ? b : a;
}

function filterOf(
  where: Readonly<Record<string, FilterValue>> = {},
  columns: readonly Column[],
): (row: Row) => boolean {
  const wanted = Object.entries(where).map(([name, value]) => {
    const place = columns.findIndex((column) => column.name === name);
    if (place < 0) throw new RangeError(`there is no column ${name}`);
    return [place, value] as const;
  });
  return (row) => wanted.every(([place, value]) => row[place] === value);
}

/** The consolidated changes of a message. */
function changesOf(message: StreamMessage, fits: (row: Row) => boolean): Changes {
  const changes = new Map<RowText, Diff>();
  for (const row of message.deleted) if (fits(row)) add(changes, JSON.stringify(row), -1);
  for (const row of message.inserted) if (fits(row)) add(changes, JSON.stringify(row), 1);
  return changes;
}
