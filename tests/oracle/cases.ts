import type { Sighting } from './holding.ts';
import type { Timeline } from './ledger.ts';
import type { Oracle } from './oracle.ts';
import { type Question, questionText } from './question.ts';

/** A question at a frontier of a timeline, and how many transactions it may hold. */
export interface Case {
  readonly question: Question;
  readonly timeline: Timeline;
  readonly frontier: number;
  readonly least: number;
  readonly most: number;
  /** Fingerprints of the answers, by prefix. */
  readonly answers: Map<number, string>;
}

/** All that is to be asked, gathered first so that the oracle replays each timeline once. */
export class Cases {
  readonly #timelines: readonly Timeline[];
  readonly #cases = new Map<string, Case>();
  /** Answers with few rows, by fingerprint; for people. */
  readonly #lists = new Map<string, readonly string[]>();

  constructor(timelines: readonly Timeline[]) {
    this.#timelines = timelines;
  }

  /** Whether more than one prefix may be shown there. */
  isAmbiguous(timeline: number, { question, frontier }: Sighting): boolean {
    const found = this.get(timeline, question, frontier);
    return found !== undefined && found.least < found.most;
  }

  prepare(question: Question, frontier: number): void {
    for (const timeline of this.#timelines) {
      const key = caseKey(timeline.name, question, frontier);
      if (this.#cases.has(key) || frontier > timeline.limit) continue;
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
      return `store ${timeline} after ${prefix}, ${last}: ${fingerprint}${listRows(this.#lists.get(fingerprint) ?? null)}`;
    });
    return answers.join('\n');
  }
}

/** Rows below each other, for people. */
export const listRows = (rows: readonly string[] | null): string =>
  rows === null ? '' : `:${rows.map((row) => `\n  ${row}`).join('')}`;

function caseKey(timeline: number, question: Question, frontier: number): string {
  return `${timeline} ${frontier} ${questionText(question)}`;
}
