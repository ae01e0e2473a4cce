import type { Clock } from './clock.ts';

/** Who asks to be let in. Neither may throw. */
export interface Applicant {
  /** It is in: in the call of `enter`, or later. */
  readonly admitted: () => void;
  /** It is not, and is to stay away for `retryMs`. Called instead of `admitted`, never after it. */
  readonly refused: (retryMs: number) => void;
}

/** Something that lets in, first come first served. */
export interface Gate {
  /**
   * Asks to be let in. The returned function withdraws who waits, and frees the place of who is in;
   * it may be called at any time, and more than once.
   */
  enter(applicant: Applicant): () => void;
}

/** What a gate's waiting line needs. */
export interface LineParts {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** How many may wait; one more is refused. */
  readonly waiting: number;
  /** How long one may wait before it is refused, in ms. */
  readonly patienceMs: number;
  /** Told of every refusal. */
  readonly refused?: (() => void) | undefined;
}

/** The shortest and longest time that a refused one is to stay away, in ms. */
const RETRY_MS = { least: 1_000, most: 10_000 } as const;

/** How long to stay away: uniform, so that those refused together do not come back together. */
export const retryMsOf = (random: () => number): number =>
  Math.round(RETRY_MS.least + (RETRY_MS.most - RETRY_MS.least) * random());

/** The waiting line of a gate. */
export class Line {
  readonly #parts: LineParts;
  /** With what calls off the end of each one's patience. */
  readonly #waiting = new Map<Applicant, () => void>();

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Lets the applicant wait; refuses it when too many do, or when it waited in vain. */
  join(applicant: Applicant): void {
    const { clock, waiting, patienceMs } = this.#parts;
    if (this.#waiting.size >= waiting) {
      this.#refuse(applicant);
      return;
    }
    const cancel = clock.after(patienceMs, () => {
      this.#waiting.delete(applicant);
      this.#refuse(applicant);
    });
    this.#waiting.set(applicant, cancel);
  }

  /** Takes out who came first. */
  shift(): Applicant | undefined {
    const [first] = this.#waiting.keys();
    if (first !== undefined) this.leave(first);
    return first;
  }

  /** Takes the applicant out; false when it does not wait. */
  leave(applicant: Applicant): boolean {
    this.#waiting.get(applicant)?.();
    return this.#waiting.delete(applicant);
  }

  #refuse(applicant: Applicant): void {
    this.#parts.refused?.();
    applicant.refused(retryMsOf(this.#parts.random));
  }
}
