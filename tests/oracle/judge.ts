import { Cases, listRows } from './cases.ts';
import type { Sighting } from './holding.ts';
import type { Timeline } from './ledger.ts';
import type { Oracle } from './oracle.ts';
import { questionText } from './question.ts';

/** What the judgement counted. */
export interface Verdict {
  /** Claims of clients that were compared with the oracle's answer. */
  readonly compared: number;
  /** Different pairs of question and frontier among them. */
  readonly timestamps: number;
  /** Frontiers where more than one prefix of the transactions was possible. */
  readonly ambiguous: number;
  readonly evaluations: number;
  /** Visits that went on from what was held before, without a snapshot. */
  readonly continued: number;
}

/** A claim that is wrong, in words. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** Claims that are shown beside a wrong one. */
const NEIGHBOURS = 16;

/** Names of timelines. */
type Stores = ReadonlySet<number>;

/**
 * Compares every sighting with what SQL answers at its frontier:
 *
 * - the rows are the answer of a prefix of the transactions, that of the frontier's;
 * - all that is seen at one frontier of one store agrees on the prefix;
 * - all that is seen of a view in one epoch belongs to one store;
 * - nobody goes back: no connection does, to an older store or in time, and no client that resumes
 *   does in time within an epoch.
 *
 * Which store a client looks at is not told, only what is possible: so sets of stores are narrowed.
 */
export async function judge(
  sightings: readonly Sighting[],
  timelines: readonly Timeline[],
  oracle: Oracle,
): Promise<Verdict> {
  const cases = new Cases(timelines);
  for (const { question, frontier } of sightings) cases.prepare(question, frontier);
  for (const timeline of timelines) await cases.answer(timeline, oracle);
  const court = new Court(cases, timelines, sightings);
  for (const sighting of sightings) court.hear(sighting);
  for (const sighting of sightings) court.walk(sighting);
  return {
    compared: sightings.length,
    timestamps: new Set(sightings.map((s) => `${questionText(s.question)} ${s.frontier}`)).size,
    ambiguous: court.ambiguous,
    evaluations: oracle.evaluations,
    continued: countContinued(sightings),
  };
}

function countContinued(sightings: readonly Sighting[]): number {
  const visits = new Map<string, boolean>();
  for (const { client, question, life, visit, isResuming, isWhole } of sightings) {
    const key = `${client} ${questionText(question)} ${life} ${visit}`;
    if (isResuming && !visits.has(key)) visits.set(key, !isWhole);
  }
  return [...visits.values()].filter((isContinued) => isContinued).length;
}

/** Where a connection stands. */
interface Stand {
  readonly visit: number;
  readonly epoch: string | null;
  readonly frontier: number;
  readonly stores: Stores;
}

class Court {
  readonly #cases: Cases;
  readonly #timelines: readonly Timeline[];
  /** The stores that an epoch of a view can belong to. */
  readonly #epochs = new Map<string, Stores>();
  readonly #stands = new Map<string, Stand>();
  /** How far a client that resumes has come in an epoch. */
  readonly #reached = new Map<
    string,
    { readonly epoch: string | null; readonly frontier: number }
  >();
  /** Prefixes that are possible at a frontier of a store. */
  readonly #agreed = new Map<string, Stores>();

  readonly #sightings: readonly Sighting[];
  readonly #ambiguous = new Set<string>();

  constructor(cases: Cases, timelines: readonly Timeline[], sightings: readonly Sighting[]) {
    this.#cases = cases;
    this.#timelines = timelines;
    this.#sightings = sightings;
  }

  /** Frontiers at which more than one prefix was possible. */
  get ambiguous(): number {
    return this.#ambiguous.size;
  }

  /** First hearing: what is right in no store is wrong, and epochs are narrowed to stores. */
  hear(sighting: Sighting): void {
    const epoch = epochKey(sighting);
    const known = this.#epochs.get(epoch);
    const stores = this.#storesOf(sighting);
    const common = known === undefined ? stores : intersect(known, stores);
    if (common.size === 0) {
      const before = known === undefined ? '' : `, of an epoch of store ${[...known].join(' or ')}`;
      throw this.#wrong(sighting, `it is right in ${nameStores(stores)}${before}`);
    }
    if (sighting.epoch !== null) this.#epochs.set(epoch, common);
  }

  /** Second hearing, in order: nobody goes back, and at one frontier all show the same. */
  walk(sighting: Sighting): void {
    const { client, question, visit, epoch, frontier } = sighting;
    const key = `${client} ${questionText(question)}`;
    const before = this.#stands.get(key);
    const possible = this.#epochs.get(epochKey(sighting)) ?? this.#storesOf(sighting);
    const stores = before?.visit === visit ? follow(before, sighting, possible) : possible;
    if (stores.size === 0) {
      const where = `${before?.frontier} in epoch ${before?.epoch}`;
      throw this.#wrong(sighting, `its connection went back, it stood at ${where}`);
    }
    this.#stands.set(key, { visit, epoch, frontier, stores });
    this.#forbidRegress(key, sighting);
    const [only, ...others] = stores;
    if (only !== undefined && others.length === 0) this.#agree(only, sighting);
  }

  /** Who resumes never goes back in time within an epoch, whichever server it meets. */
  #forbidRegress(key: string, sighting: Sighting): void {
    if (!sighting.isResuming) return;
    const { epoch, frontier } = sighting;
    const place = `${key} ${sighting.life}`;
    const before = this.#reached.get(place);
    if (before?.epoch === epoch && frontier < before.frontier) {
      throw this.#wrong(sighting, `it went back in time, it was at ${before.frontier}`);
    }
    this.#reached.set(place, { epoch, frontier });
  }

  #agree(store: number, sighting: Sighting): void {
    const key = `${store} ${sighting.frontier}`;
    if (this.#cases.isAmbiguous(store, sighting)) this.#ambiguous.add(key);
    const prefixes = this.#prefixes(store, sighting);
    const before = this.#agreed.get(key) ?? prefixes;
    const common = intersect(before, prefixes);
    if (common.size === 0) {
      const said = `${[...prefixes].join(' or ')}, others after ${[...before].join(' or ')}`;
      throw this.#wrong(sighting, `it shows store ${store} after ${said}`);
    }
    this.#agreed.set(key, common);
  }

  #storesOf(sighting: Sighting): Stores {
    const names = this.#timelines.map(({ name }) => name);
    return new Set(names.filter((name) => this.#prefixes(name, sighting).size > 0));
  }

  #prefixes(store: number, { question, frontier, fingerprint }: Sighting): ReadonlySet<number> {
    const answers = this.#cases.get(store, question, frontier)?.answers ?? new Map();
    const right = [...answers].filter(([, answer]) => answer === fingerprint);
    return new Set(right.map(([prefix]) => prefix));
  }

  #wrong(sighting: Sighting, why: string): WrongAnswer {
    const { client, frontier, epoch, how, fingerprint, rows } = sighting;
    const lines = [
      `${client} at ${frontier} in epoch ${epoch} (${how}): ${why}`,
      `it holds ${fingerprint}${listRows(rows)}`,
      ...this.#timelines.map(({ name }) => this.#cases.describe(name, sighting)),
      ...this.#neighbours(sighting),
    ];
    return new WrongAnswer(lines.join('\n'));
  }

  /** What was claimed of the same view at nearly the same time. */
  #neighbours({ question, frontier }: Sighting): readonly string[] {
    const distance = (sighting: Sighting) => Math.abs(sighting.frontier - frontier);
    return this.#sightings
      .filter((each) => questionText(each.question) === questionText(question))
      .toSorted((a, b) => distance(a) - distance(b))
      .slice(0, NEIGHBOURS)
      .toSorted((a, b) => a.frontier - b.frontier)
      .map((each) => {
        const stores = nameStores(this.#storesOf(each));
        return `  ${each.frontier} ${each.fingerprint} right in ${stores}: ${each.client} (${each.how})`;
      });
  }
}

/** The stores that a connection can have come to; none when it went back. */
function follow(before: Stand, { epoch, frontier }: Sighting, possible: Stores): Stores {
  const isSameEpoch = epoch !== null && epoch === before.epoch;
  const canStay = frontier >= before.frontier || (epoch !== null && !isSameEpoch);
  const first = Math.min(...before.stores);
  return new Set(
    [...possible].filter((store) => {
      const stays = before.stores.has(store) && canStay;
      return stays || (store > first && !isSameEpoch);
    }),
  );
}

// While stores change, a group may show a view of the old one beside one of the new.
const epochKey = ({ epoch, question }: Sighting): string => `${epoch} of ${question.view}`;

const intersect = (a: Stores, b: Stores): Stores => new Set([...a].filter((each) => b.has(each)));

const nameStores = (stores: Stores): string =>
  stores.size === 0 ? 'no store' : `store ${[...stores].join(' or ')}`;
