import { type Client, connect } from '../../client/client.ts';
import type { ViewBatch } from '../../client/subscription.ts';
import { byRank, type Leader, rankRows } from '../prefix-oracle.ts';
import type { StandInEvent } from '../wikimedia-stand-in.ts';

type Row = readonly (string | number | boolean | null)[];
interface Views {
  readonly [view: string]: Row;
  readonly counter: readonly [count: number];
  readonly top10: readonly [user: string, count: number];
  readonly recentchanges: Row;
}
const VIEWS = ['counter', 'top10', 'recentchanges'] as const;

/**
 * Watches three views as one, so that it holds all of them at each closed timestamp, and judges each
 * by the others and by the events alone: every change that is shown is one of the events, once and
 * for good, the counter is their number, and the top 10 are those of their users.
 */
export class PathJudge {
  readonly #client: Client<Views>;
  readonly #users: ReadonlyMap<string, string | null>;
  readonly #seen = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #stop: () => void;
  readonly #status: () => unknown;
  /** What was wrong, each with its timestamp. */
  readonly faults: string[] = [];
  /** How many timestamps were judged. */
  judged = 0;

  constructor(page: string, events: readonly StandInEvent[]) {
    this.#users = usersOf(events);
    this.#client = connect<Views>(`${page.replace('http', 'ws')}/api/v1`);
    const subscription = this.#client.subscribe(VIEWS, {
      onBatch: (batch, subscribed) => {
        const columns = subscribed.columns('recentchanges');
        this.#take(
          batch,
          columns.map(({ name }) => name),
        );
        // A view that was left behind stands at another moment than the others.
        if (Object.keys(batch.held).length > 0) return;
        const [count = [0]] = subscribed.rows('counter');
        this.#judge(Number(batch.upper), Number(count[0]), rankRows(subscribed.rows('top10')));
      },
    });
    this.#stop = () => subscription.close();
    this.#status = () => subscription.status;
  }

  /** How many of the events have been seen. */
  get seen(): number {
    return this.#seen.size;
  }

  /** How the viewer stands, as JSON. */
  get status(): string {
    return JSON.stringify({ connection: this.#client.connection, views: this.#status() });
  }

  close(): void {
    this.#stop();
    this.#client.close();
  }

  #take(batch: ViewBatch<Views>, columns: readonly string[]): void {
    const [id, user] = [columns.indexOf('meta_id'), columns.indexOf('user')];
    for (const [diff, row] of batch.changes('recentchanges')) {
      const [metaId, name] = [String(row[id]), row[user] ?? null];
      if (diff !== 1) this.#fault(batch.upper, `${metaId} changed by ${diff}`);
      if (this.#seen.has(metaId)) this.#fault(batch.upper, `${metaId} came twice`);
      if (!this.#users.has(metaId)) this.#fault(batch.upper, `${metaId} is no event`);
      this.#seen.add(metaId);
      if (name !== null) this.#counts.set(`${name}`, (this.#counts.get(`${name}`) ?? 0) + 1);
    }
  }

  #judge(at: number, count: number, leaders: readonly Leader[]): void {
    this.judged++;
    if (count !== this.#seen.size) this.#fault(at, `counter ${count}, not ${this.#seen.size}`);
    const expected = leadersOf(this.#counts);
    if (JSON.stringify(leaders) !== JSON.stringify(expected)) {
      this.#fault(at, `top10 ${JSON.stringify(leaders)}, not ${JSON.stringify(expected)}`);
    }
  }

  #fault(at: unknown, told: string): void {
    if (this.faults.length < 20) this.faults.push(`${at}: ${told}`);
  }
}

/** The user of each event by its id, without the tests of Wikimedia's own. */
export function usersOf(events: readonly StandInEvent[]): ReadonlyMap<string, string | null> {
  return new Map(
    events.flatMap(({ json }) => {
      const event = JSON.parse(json) as { user?: string; meta: { id: string; domain?: string } };
      return event.meta.domain === 'canary' ? [] : [[event.meta.id, event.user ?? null] as const];
    }),
  );
}

/** The top 10 of all events. */
export function finalLeaders(events: readonly StandInEvent[]): readonly Leader[] {
  const counts = new Map<string, number>();
  for (const user of usersOf(events).values()) {
    if (user !== null) counts.set(user, (counts.get(user) ?? 0) + 1);
  }
  return leadersOf(counts);
}

function leadersOf(counts: ReadonlyMap<string, number>): readonly Leader[] {
  return [...counts].sort(byRank).slice(0, 10);
}
