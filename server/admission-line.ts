import type { Clock } from './clock.ts';

/** Who asks to be let in. Neither may throw. */
export interface Applicant {
  /** It is in: in the call of `enter`, or later. `leave` is what `enter` returns. */
  readonly admitted: (leave: () => void) => void;
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

/** Who waits, as its gate knows it. */
export interface Waiter {
  readonly admitted: () => void;
  readonly refused: (retryMs: number) => void;
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
  readonly #waiting = new Map<Waiter, () => void>();

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Lets the waiter wait; refuses it when too many do, or when it waited in vain. */
  join(waiter: Waiter): void {
    const { clock, waiting, patienceMs } = this.#parts;
    if (this.#waiting.size >= waiting) {
      this.refuse(waiter);
      return;
    }
    const cancel = clock.after(patienceMs, () => {
      this.#waiting.delete(waiter);
      this.refuse(waiter);
    });
    this.#waiting.set(waiter, cancel);
  }

  /** Takes out who came first. */
  shift(): Waiter | undefined {
    const [first] = this.#waiting.keys();
    if (first !== undefined) this.leave(first);
    return first;
  }

  /** Takes the waiter out; false when it does not wait. */
  leave(waiter: Waiter): boolean {
    this.#waiting.get(waiter)?.();
    return this.#waiting.delete(waiter);
  }

  /** Turns a waiter away that is not in the line. */
  refuse(waiter: Waiter): void {
    this.#parts.refused?.();
    waiter.refused(retryMsOf(this.#parts.random));
  }
}
