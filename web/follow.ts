import type { Client } from '../client/client.ts';
import type { LineState } from '../client/line.ts';
import type { Row } from '../client/rows.ts';
import type { Subscription } from '../client/subscription.ts';
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
  #subscription: Subscription<Record<string, Row>> | undefined;
  #state: LineState = 'waiting';
  #times: ReadonlyMap<string, Frontier> = new Map();
  #receivedMs = 0;
  #closed = false;
  #chosen = 0;

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
    this.#subscribe();
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

  /** Ends it; nothing is called any more. */
  close(): void {
    this.#closed = true;
    this.#subscription?.close();
  }

  #subscribe(): void {
    if (this.#closed) return;
    const wanted = this.#choices[this.#chosen] ?? [];
    const views = wanted.map(({ view }) => view);
    const filters = wanted.flatMap(({ view, where }) => (where ? [[view, where]] : []));
    const subscription: Subscription<Record<string, Row>> = this.#client.subscribe(views, {
      where: Object.fromEntries(filters),
      ...(this.#everyMs === undefined ? {} : { everyMs: this.#everyMs }),
      onBatch: ({ lower, upper, held, changes }) => {
        this.#subscription = subscription;
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
      },
      onStatus: ({ state }) => {
        if (this.#closed) return;
        this.#state = state;
        this.#changed();
        if (state !== 'refused') return;
        this.#chosen = (this.#chosen + 1) % this.#choices.length;
        const ms = this.#chosen === 0 ? REFUSED_MS : 0;
        this.#environment.after(ms, () => this.#subscribe());
      },
    });
    // What was held of a refused subscription stays until there is more.
    this.#subscription ??= subscription;
  }
}
