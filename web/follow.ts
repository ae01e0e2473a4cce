import type { Client } from '../client/client.ts';
import type { LineState } from '../client/line.ts';
import type { Row } from '../client/rows.ts';
import type { Subscription, ViewBatch } from '../client/subscription.ts';
import type { Column, Frontier } from '../protocol/update.ts';
import type { Wanted } from './choice.ts';
import { Pace } from './pace.ts';
import type { Snapshot } from './table-text.ts';

/** What following needs of the world. */
export interface FollowEnvironment {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Calls `then` once after `ms` milliseconds. */
  after(ms: number, then: () => void): unknown;
}

/** A view that is not there may come: a server that starts has not found it yet. In ms. */
export const REFUSED_MS = 5_000;

type Followed = Subscription<Record<string, Row>>;
type Batch = ViewBatch<Record<string, Row>>;

/** How one view on show lags behind what is held. */
interface Shown {
  readonly pace: Pace;
  /** Batches that changed the view and are not drawn yet. */
  behind: number;
}

/** What is to be drawn of one view. */
export interface Drawing {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
  readonly behind: number;
  readonly intervalMs: number;
  /** What the rows hold: every update with a time below. */
  readonly frontier: Frontier;
}

/**
 * Views that the page follows together: one subscription, so that all of them are always as of one
 * moment, asked for again when it is refused. What is held stays, whatever happens.
 */
export class Follow {
  readonly #client: Client;
  /** What is asked for, and in its place where that is refused. */
  readonly #choices: readonly (readonly Wanted[])[];
  readonly #environment: FollowEnvironment;
  readonly #changed: () => void;
  readonly #everyMs: number | undefined;
  readonly #shown: ReadonlyMap<string, Shown>;
  /** Whose rows are held, though it may be refused by now. */
  #subscription: Followed | null = null;
  /** What it is of, among the choices; null while nothing is there to follow. */
  #chosen: number | null = null;
  /** What is asked for and has no rows yet; null where nothing is sought. */
  #asked: Followed | null = null;
  #state: LineState = 'waiting';
  #times: ReadonlyMap<string, Frontier> = new Map();
  #receivedMs = 0;
  #closed = false;

  /**
   * @param wanted views, each once
   * @param changed called after every batch and every change of the state
   * @param everyMs at most one batch in so many milliseconds
   * @param otherwise what to follow where a server lacks a view of these, the first that it has
   */
  constructor(
    client: Client,
    wanted: readonly Wanted[],
    environment: FollowEnvironment,
    changed: () => void,
    everyMs?: number,
    otherwise: readonly (readonly Wanted[])[] = [],
  ) {
    this.#client = client;
    this.#choices = [wanted, ...otherwise];
    this.#environment = environment;
    this.#changed = changed;
    this.#everyMs = everyMs;
    this.#shown = new Map(
      this.#choices.flat().map(({ view }) => [view, { pace: new Pace(), behind: 0 }]),
    );
    this.#ask(0);
  }

  get state(): LineState {
    return this.#state;
  }

  /** The frontier of a view's rows; undefined before the first ones. */
  time(view: string): Frontier | undefined {
    return this.#times.get(view);
  }

  /** When the last batch came, in ms since 1970. */
  get receivedMs(): number {
    return this.#receivedMs;
  }

  /** The rows of a view as they are held. */
  rows(view: string): readonly Row[] {
    return this.#subscription?.rows(view) ?? [];
  }

  /** The rows of a view, where they have changed since this was last called; else null. */
  take(view: string): Drawing | null {
    const shown = this.#shown.get(view);
    const frontier = this.#times.get(view);
    if (shown === undefined || frontier === undefined || shown.behind === 0) return null;
    const { behind, pace } = shown;
    shown.behind = 0;
    const columns = this.#subscription?.columns(view) ?? [];
    return { rows: this.rows(view), columns, behind, intervalMs: pace.intervalMs, frontier };
  }

  /** What is held of a view, as it is to be kept; null before the first rows. */
  snapshot(view: string): Snapshot | null {
    const timestamp = this.#times.get(view);
    if (timestamp === undefined) return null;
    return {
      view,
      timestamp,
      columns: this.#subscription?.columns(view) ?? [],
      rows: this.rows(view),
    };
  }

  /** Lets `take` give the rows of a view once more. */
  touch(view: string): void {
    const shown = this.#shown.get(view);
    if (shown !== undefined) shown.behind = Math.max(1, shown.behind);
  }

  /** Looks whether a better choice is there by now; what is followed stays until its rows come. */
  reconsider(): void {
    if (this.#asked === null && this.#chosen !== 0) this.#ask(0);
  }

  /** Ends it; nothing is called any more. */
  close(): void {
    this.#closed = true;
    this.#asked?.close();
    this.#subscription?.close();
  }

  #ask(choice: number): void {
    if (this.#closed) return;
    const wanted = this.#choices[choice] ?? [];
    const views = wanted.map(({ view }) => view);
    const filters = wanted.flatMap(({ view, where }) => (where ? [[view, where]] : []));
    const subscription: Followed = this.#client.subscribe(views, {
      where: Object.fromEntries(filters),
      ...(this.#everyMs === undefined ? {} : { everyMs: this.#everyMs }),
      onBatch: (batch) => {
        if (subscription !== this.#subscription) this.#adopt(subscription, choice);
        this.#take(views, batch);
      },
      onStatus: ({ state }) => {
        if (this.#closed) return;
        if (state === 'refused') this.#refused(subscription, choice);
        else if (subscription === this.#subscription) this.#become(state);
      },
    });
    this.#asked = subscription;
  }

  #adopt(subscription: Followed, choice: number): void {
    const before = this.#subscription;
    this.#subscription = subscription;
    this.#chosen = choice;
    this.#asked = null;
    before?.close();
  }

  #take(views: readonly string[], { lower, upper, held, changes }: Batch): void {
    this.#receivedMs = this.#environment.wall();
    this.#times = new Map(views.map((view) => [view, held[view] ?? upper]));
    for (const [view, shown] of this.#shown) {
      if (!this.#times.has(view)) continue;
      // The first rows are drawn even when there are none.
      if (lower !== null && changes(view).length === 0) continue;
      shown.behind += 1;
      shown.pace.beat(this.#environment.now());
    }
    this.#changed();
  }

  #become(state: LineState): void {
    const isBack = this.#state === 'resuming';
    this.#state = state;
    this.#changed();
    // Another connection may be to a server that has more views.
    if (isBack && state === 'live') this.reconsider();
  }

  /** Goes on to the next choice, up to the one that is followed, else round and round. */
  #refused(subscription: Followed, choice: number): void {
    const wasFollowed = subscription === this.#subscription;
    if (wasFollowed) this.#chosen = null;
    if (this.#chosen === null) this.#become('refused');
    // What is asked for already goes on by itself.
    if (wasFollowed && this.#asked !== null) return;
    const next = (choice + 1) % this.#choices.length;
    this.#asked = next === this.#chosen ? null : subscription;
    if (this.#asked === null) return;
    this.#environment.after(next === 0 ? REFUSED_MS : 0, () => this.#ask(next));
  }
}
