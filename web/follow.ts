import type { Client } from '../client/client.ts';
import type { LineState } from '../client/line.ts';
import type { Row } from '../client/rows.ts';
import type { Frontier } from '../protocol/update.ts';
import { Pace } from './pace.ts';

/** What following needs of the world. */
export interface FollowEnvironment {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
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
  readonly behind: number;
  readonly intervalMs: number;
}

/**
 * Views that the page follows together: one subscription, so that all of them are always as of one
 * moment, asked for again when it is refused. What is held stays, whatever happens.
 */
export class Follow {
  readonly #client: Client;
  readonly #environment: FollowEnvironment;
  readonly #changed: () => void;
  readonly #shown: ReadonlyMap<string, Shown>;
  #state: LineState = 'waiting';
  #rows: (view: string) => readonly Row[] = () => [];
  #times: ReadonlyMap<string, Frontier> = new Map();

  /** @param changed called after every batch and every change of the state */
  constructor(
    client: Client,
    views: readonly string[],
    environment: FollowEnvironment,
    changed: () => void,
  ) {
    this.#client = client;
    this.#environment = environment;
    this.#changed = changed;
    this.#shown = new Map(views.map((view) => [view, { pace: new Pace(), behind: 0 }]));
    this.#subscribe();
  }

  get state(): LineState {
    return this.#state;
  }

  /** The frontier of a view's rows; undefined before the first ones. */
  time(view: string): Frontier | undefined {
    return this.#times.get(view);
  }

  /** The rows of a view, where they have changed since this was last called; else null. */
  take(view: string): Drawing | null {
    const shown = this.#shown.get(view);
    if (shown === undefined || shown.behind === 0) return null;
    const { behind, pace } = shown;
    shown.behind = 0;
    return { rows: this.#rows(view), behind, intervalMs: pace.intervalMs };
  }

  #subscribe(): void {
    const views = [...this.#shown.keys()];
    const subscription = this.#client.subscribe(views, {
      onBatch: ({ lower, upper, held, changes }) => {
        this.#rows = (view) => subscription.rows(view);
        this.#times = new Map(views.map((view) => [view, held[view] ?? upper]));
        for (const [view, shown] of this.#shown) {
          // The first rows are drawn even when there are none.
          if (lower !== null && changes(view).length === 0) continue;
          shown.behind += 1;
          shown.pace.beat(this.#environment.now());
        }
        this.#changed();
      },
      onStatus: ({ state }) => {
        this.#state = state;
        this.#changed();
        if (state === 'refused') this.#environment.after(REFUSED_MS, () => this.#subscribe());
      },
    });
  }
}
