import { type Applicant, type Gate, Line, type LineParts, type Waiter } from './admission-line.ts';

/** Who waits is let in at this pace at the finest, in ms. */
const STEP_MS = 5;

/** Lets in so many a second, half a second's worth of them at once; the others wait. */
export class RateGate implements Gate {
  readonly #parts: LineParts;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #line: Line;
  #places: number;
  #atMs: number;
  #cancel: (() => void) | null = null;

  constructor(perSecond: number, parts: LineParts) {
    this.#parts = parts;
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, perSecond / 2);
    this.#line = new Line(parts);
    this.#places = this.#burst;
    this.#atMs = parts.clock.now();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size;
  }

  enter({ admitted, refused }: Applicant): () => void {
    const leave = (): void => {
      this.#line.leave(own);
    };
    const own: Waiter = { admitted: () => admitted(leave), refused };
    this.#refill();
    if (this.#line.size === 0 && this.#places >= 1) {
      this.#places -= 1;
      admitted(leave);
    } else {
      this.#line.join(own);
      this.#schedule();
    }
    return leave;
  }

  #refill(): void {
    const nowMs = this.#parts.clock.now();
    // A wall clock set back gives nothing, one set forward a burst at most.
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#places = Math.min(this.#burst, this.#places + (passedMs * this.#perSecond) / 1_000);
  }

  #schedule(): void {
    if (this.#cancel !== null || this.#line.size === 0) return;
    const untilPlaceMs = ((1 - this.#places) * 1_000) / this.#perSecond;
    this.#cancel = this.#parts.clock.after(Math.max(STEP_MS, Math.ceil(untilPlaceMs)), () => {
      this.#cancel = null;
      this.#let();
    });
  }

  #let(): void {
    this.#refill();
    while (this.#places >= 1) {
      const next = this.#line.shift();
      if (next === undefined) break;
      this.#places -= 1;
      next.admitted();
    }
    this.#schedule();
  }
}
