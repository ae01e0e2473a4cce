import type { Sighting } from './holding.ts';
import type { Timeline } from './ledger.ts';
import type { Oracle } from './oracle.ts';
import { type Question, questionText } from './question.ts';

/** What the judgement counted. */
export interface Verdict {
  /** Claims of clients that were compared with the oracle's answer. */
  readonly compared: number;
  /** Different pairs of question and frontier among them. */
  readonly timestamps: number;
  /** Those where more than one prefix of the transactions was possible. */
  readonly ambiguous: number;
  readonly evaluations: number;
}

/** A claim that is wrong, in words. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** A question at a frontier of a timeline, and how many transactions it may hold. */
interface Case {
  readonly question: Question;
  readonly timeline: Timeline;
  readonly frontier: number;
  readonly least: number;
  readonly most: number;
  /** Fingerprints of the answers, by prefix. */
  readonly answers: Map<number, string>;
}

/**
 * Compares every sighting with what SQL answers at its frontier, each client's in their order:
 *
 * - the rows are the answer of a prefix of the transactions, that of the frontier's;
 * - all that is seen at one frontier of one timeline agrees on the prefix;
 * - an epoch belongs to one timeline;
 * - nobody goes back: no connection does, to an older store or in time, and no client that resumes
 *   does in time within an epoch.
 */
export async function judge(
  sightings: readonly Sighting[],
  timelines: readonly Timeline[],
  oracle: Oracle,
): Promise<Verdict> {
  const cases = new Cases(timelines);
  for (const { question, frontier } of sightings) cases.prepare(question, frontier);
  for (const timeline of timelines) await cases.answer(timeline, oracle);
  const walks = new Map<string, Walk>();
  const reached = new Map<string, number>();
  const epochs = new Map<string, number>();
  const agreed = new Map<string, ReadonlySet<number>>();
  for (const sighting of sightings) {
    const key = `${sighting.client} ${questionText(sighting.question)}`;
    const before = walks.get(key);
    const walk = before?.visit === sighting.visit ? before : newWalk(sighting);
    const found = place(sighting, walk, cases, timelines, epochs);
    agree(agreed, sighting, found, cases);
    forbidRegress(reached, key, sighting);
    walks.set(key, found.walk);
  }
  return {
    compared: sightings.length,
    timestamps: new Set(sightings.map((s) => `${questionText(s.question)} ${s.frontier}`)).size,
    ambiguous: cases.ambiguous,
    evaluations: oracle.evaluations,
  };
}

/** Where a connection stands. */
interface Walk {
  readonly visit: number;
  readonly timeline: number;
  readonly frontier: number;
  readonly epoch: string | null;
}

const newWalk = ({ visit, epoch }: Sighting): Walk => ({ visit, timeline: 0, frontier: 0, epoch });

interface Place {
  readonly walk: Walk;
  readonly prefixes: readonly number[];
}

/** The earliest timeline, not before the connection's, on which the sighting is right. */
function place(
  sighting: Sighting,
  walk: Walk,
  cases: Cases,
  timelines: readonly Timeline[],
  epochs: Map<string, number>,
): Place {
  const { visit, epoch, frontier, fingerprint, question } = sighting;
  const known = epoch === null ? undefined : epochs.get(epoch);
  for (const { name } of timelines) {
    if (name < walk.timeline || (known !== undefined && name !== known)) continue;
    const isSameEpoch = epoch === null ? name === walk.timeline : epoch === walk.epoch;
    if (isSameEpoch && frontier < walk.frontier) continue;
    const found = cases.get(name, question, frontier);
    const prefixes = [...(found?.answers ?? [])]
      .filter(([, answer]) => answer === fingerprint)
      .map(([prefix]) => prefix);
    if (prefixes.length === 0) continue;
    if (epoch !== null) epochs.set(epoch, name);
    return { walk: { visit, timeline: name, frontier, epoch }, prefixes };
  }
  throw new WrongAnswer(complain(sighting, walk, cases, timelines));
}

/** Who resumes never goes back in time within an epoch, whichever server it meets. */
function forbidRegress(reached: Map<string, number>, key: string, sighting: Sighting): void {
  if (!sighting.isResuming) return;
  const place = `${key} ${sighting.life} ${sighting.epoch}`;
  const before = reached.get(place) ?? 0;
  if (sighting.frontier < before) {
    throw new WrongAnswer(`${describe(sighting)}: it went back in time, it was at ${before}`);
  }
  reached.set(place, sighting.frontier);
}

/** At one frontier all views show the same prefix. */
function agree(
  agreed: Map<string, ReadonlySet<number>>,
  sighting: Sighting,
  { walk, prefixes }: Place,
  cases: Cases,
): void {
  const key = `${walk.timeline} ${sighting.frontier}`;
  const before = agreed.get(key);
  const common = before === undefined ? prefixes : prefixes.filter((each) => before.has(each));
  if (common.length === 0) {
    const said = `prefix ${prefixes.join(' or ')}, others ${[...(before ?? [])].join(' or ')}`;
    throw new WrongAnswer(
      `${describe(sighting)}: it shows ${said}\n${cases.describe(walk.timeline, sighting)}`,
    );
  }
  agreed.set(key, new Set(common));
}

function complain(
  sighting: Sighting,
  walk: Walk,
  cases: Cases,
  timelines: readonly Timeline[],
): string {
  return [
    `${describe(sighting)}: no answer of the oracle is like that`,
    `before, it stood at ${walk.frontier} in epoch ${walk.epoch} of store ${walk.timeline}`,
    `it holds ${sighting.fingerprint}${list(sighting.rows)}`,
    ...timelines.map(({ name }) => cases.describe(name, sighting)),
  ].join('\n');
}

const describe = ({ client, frontier, epoch, how }: Sighting): string =>
  `${client} at ${frontier} in epoch ${epoch} (${how})`;

const list = (rows: readonly string[] | null): string =>
  rows === null ? '' : `:${rows.map((row) => `\n  ${row}`).join('')}`;

/** All that is to be asked, gathered first so that the oracle replays each timeline once. */
class Cases {
  readonly #timelines: readonly Timeline[];
  readonly #cases = new Map<string, Case>();
  /** Answers with few rows, by fingerprint; for people. */
  readonly #lists = new Map<string, readonly string[]>();

  constructor(timelines: readonly Timeline[]) {
    this.#timelines = timelines;
  }

  get ambiguous(): number {
    return [...this.#cases.values()].filter(({ least, most }) => least < most).length;
  }

  prepare(question: Question, frontier: number): void {
    for (const timeline of this.#timelines) {
      const key = caseKey(timeline.name, question, frontier);
      if (this.#cases.has(key) || frontier > timeline.frontier) continue;
      const prefixes = timeline.prefixes(frontier);
      this.#cases.set(key, { question, timeline, frontier, ...prefixes, answers: new Map() });
    }
  }

  /** Replays a timeline and answers its cases on the way. */
  async answer(timeline: Timeline, oracle: Oracle): Promise<void> {
    const due = new Map<number, Case[]>();
    for (const each of this.#cases.values()) {
      if (each.timeline !== timeline) continue;
      for (let prefix = each.least; prefix <= each.most; prefix++) {
        const others = due.get(prefix);
        if (others === undefined) due.set(prefix, [each]);
        else others.push(each);
      }
    }
    await oracle.clear();
    for (let prefix = 0; prefix <= timeline.transactions.length; prefix++) {
      const transaction = timeline.transactions[prefix - 1];
      if (transaction !== undefined) await oracle.apply(transaction);
      for (const each of due.get(prefix) ?? []) {
        const bag = await oracle.answer(each.question);
        each.answers.set(prefix, bag.fingerprint);
        if (bag.size <= 100) this.#lists.set(bag.fingerprint, bag.list());
      }
    }
  }

  get(timeline: number, question: Question, frontier: number): Case | undefined {
    return this.#cases.get(caseKey(timeline, question, frontier));
  }

  /** What would have been right. */
  describe(timeline: number, { question, frontier }: Sighting): string {
    const found = this.get(timeline, question, frontier);
    if (found === undefined) return `store ${timeline} had not come to ${frontier}`;
    const answers = [...found.answers].map(([prefix, fingerprint]) => {
      const transaction = found.timeline.transactions[prefix - 1];
      const last = `transaction ${transaction?.n ?? 0} at ${transaction?.least}`;
      return `store ${timeline} after ${prefix}, ${last}: ${fingerprint}${list(this.#lists.get(fingerprint) ?? null)}`;
    });
    return answers.join('\n');
  }
}

function caseKey(timeline: number, question: Question, frontier: number): string {
  return `${timeline} ${frontier} ${questionText(question)}`;
}
