import { type Applicant, type Gate, Line, type LineParts, type Waiter } from './admission-line.ts';

/** Lets in so many at a time; the others wait for one to leave. */
export class SlotGate implements Gate {
  readonly #slots: number;
  readonly #line: Line;
  #inside = 0;

  constructor(slots: number, parts: LineParts) {
    this.#slots = slots;
    this.#line = new Line(parts);
  }

  /** How many are in. */
  get inside(): number {
    return this.#inside;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size;
  }

  enter({ admitted, refused }: Applicant): () => void {
    let state: 'waiting' | 'in' | 'out' = 'waiting';
    const leave = (): void => {
      const before = state;
      state = 'out';
      if (before === 'waiting') this.#line.leave(own);
      if (before === 'in') this.#leave();
    };
    const own: Waiter = {
      admitted: () => {
        state = 'in';
        admitted(leave);
      },
      refused: (retryMs) => {
        state = 'out';
        refused(retryMs);
      },
    };
    this.#line.size === 0 && this.#inside < this.#slots ? this.#admit(own) : this.#line.join(own);
    return leave;
  }

  #admit(waiter: Waiter): void {
    this.#inside += 1;
    waiter.admitted();
  }

  #leave(): void {
    this.#inside -= 1;
    while (this.#inside < this.#slots) {
      const next = this.#line.shift();
      if (next === undefined) return;
      this.#admit(next);
    }
  }
}
