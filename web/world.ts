import type { Row } from '../client/rows.ts';
import { codePointOrder } from './code-point-order.ts';
import type { Kind } from './leaders.ts';

/** One invented change. */
interface Happening {
  readonly at: number;
  readonly user: string;
  readonly kind: Kind;
  readonly wiki: string;
  readonly delta: number;
}

const KINDS: readonly Kind[] = ['person', 'person', 'bot', 'anonymous'];
const WIKIS = ['enwiki', 'commonswiki', 'arwiki', 'wikidatawiki'];
const MINUTES = { start: Number.POSITIVE_INFINITY, '60m': 60, '5m': 5, '1m': 1 };

/** A small generator of its own, so that a failing walk can be walked again. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Invented changes, and the rows that the page's views have of them: what `sql/views` says, in a
 * few lines of JavaScript. For trying the page.
 */
export class World {
  readonly #random: () => number;
  readonly #all: Happening[] = [];
  /** How often each user made changes of each kind. */
  readonly #users = new Map<string, number>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Lets one to `most` changes happen at `at`, in ms since 1970. */
  step(at: number, most = 4): void {
    const changes = 1 + Math.floor(this.#random() * most);
    for (let n = 0; n < changes; n++) {
      const rank = Math.floor(this.#random() ** 2 * 40);
      const kind = KINDS[rank % KINDS.length] ?? 'person';
      const wiki = WIKIS[Math.floor(this.#random() ** 2 * WIKIS.length)] ?? '';
      const delta = Math.floor(this.#random() * 900) - 300;
      const user = `${kind} ${rank}`;
      this.#all.push({ at, user, kind, wiki, delta });
      const key = JSON.stringify([user, kind]);
      this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    }
  }

  get total(): number {
    return this.#all.length;
  }

  /** Everything that is counted since the start: cheap enough for every step. */
  counted(): Readonly<Record<string, readonly Row[]>> {
    return { counter: [[this.total]], top20: this.#top20(), latest: this.#latest() };
  }

  /** The rows of persecond as of `now`. */
  seconds(now: number): readonly Row[] {
    const recent = this.#all.slice(this.#all.findLastIndex(({ at }) => at < now - 60_000) + 1);
    return count(recent, ({ at }) => [Math.floor(at / 1_000)]);
  }

  /** All views as of `now`, in ms since 1970. */
  views(now: number): Readonly<Record<string, readonly Row[]>> {
    const leaders = Object.entries(MINUTES).flatMap(([span, minutes]) =>
      this.#leaders(span, now - minutes * 60_000),
    );
    return {
      ...this.counted(),
      archive_newest: [],
      topwikis: ranked(count(this.#all, ({ wiki }) => [wiki])).slice(0, 40),
      persecond: this.seconds(now),
      leaders,
    };
  }

  #top20(): readonly Row[] {
    return ranked(rowsOf(this.#users)).slice(0, 20);
  }

  #latest(): readonly Row[] {
    const first = Math.max(0, this.#all.length - 50);
    return this.#all
      .slice(first)
      .map(({ at, user, kind, wiki, delta }, n) => [
        ...[at, `id ${first + n}`, wiki, kind, user, 'edit', `Page ${first + n}`, 0],
        ...['https://en.wikipedia.org', 1_000, 1_000 + delta, 1, 2],
      ]);
  }

  #leaders(span: string, since: number): readonly Row[] {
    const recent = this.#all.filter(({ at }) => at >= since);
    return ['*', ...WIKIS].flatMap((wiki) =>
      ['person', 'bot', 'anonymous'].flatMap((kind) =>
        ranked(
          count(
            recent.filter((one) => one.kind === kind && (wiki === '*' || one.wiki === wiki)),
            ({ user }) => [span, wiki, kind, user],
          ),
        ).slice(0, 20),
      ),
    );
  }
}

function count(all: readonly Happening[], keyOf: (one: Happening) => Row): Row[] {
  const counts = new Map<string, number>();
  for (const one of all) {
    const key = JSON.stringify(keyOf(one));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return rowsOf(counts);
}

function rowsOf(counts: ReadonlyMap<string, number>): Row[] {
  return [...counts].map(([key, n]) => [...(JSON.parse(key) as Row), n]);
}

/** Greatest last value first, then by the others. */
function ranked(rows: readonly Row[]): Row[] {
  return rows.toSorted(
    (a, b) =>
      Number(b.at(-1)) - Number(a.at(-1)) || codePointOrder(JSON.stringify(a), JSON.stringify(b)),
  );
}
