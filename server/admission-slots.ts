import { type Applicant, type Gate, Line, type LineParts, type Waiter } from './admission-line.ts';

/** What a gate of places needs. */
export interface SlotParts extends LineParts {
  /** A place is held so long at most, in ms: slow readers must not keep all the others out. */
  readonly holdMs: number;
}

/** Lets in so many at a time; the others wait for one to leave. */
export class SlotGate implements Gate {
  readonly #slots: number;
  readonly #parts: SlotParts;
  readonly #line: Line;
  #inside = 0;
  #isShut = false;

  constructor(slots: number, parts: SlotParts) {
    this.#slots = slots;
    this.#parts = parts;
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

  /** While shut everybody who comes is refused, and so are those who wait. Who is in stays in. */
  shut(isShut: boolean): void {
    this.#isShut = isShut;
    if (!isShut) return;
    for (let many = this.#line.size; many > 0; many--) {
      const next = this.#line.shift();
      if (next !== undefined) this.#line.refuse(next);
    }
  }

  enter({ admitted, refused }: Applicant): () => void {
    const { clock, holdMs } = this.#parts;
    let state: 'waiting' | 'in' | 'out' = 'waiting';
    let cancelHold: () => void = () => {};
    const left = (): boolean => state === 'out';
    const leave = (): void => {
      const before = state;
      state = 'out';
      cancelHold();
      if (before === 'waiting') this.#line.leave(own);
      if (before === 'in') this.#leave();
    };
    const own: Waiter = {
      admitted: () => {
        state = 'in';
        admitted(leave);
        if (!left()) cancelHold = clock.after(holdMs, leave);
      },
      refused: (retryMs) => {
        state = 'out';
        refused(retryMs);
      },
    };
    this.#ask(own);
    return leave;
  }

  #ask(waiter: Waiter): void {
    if (this.#isShut) this.#line.refuse(waiter);
    else if (this.#line.size === 0 && this.#inside < this.#slots) this.#admit(waiter);
    else this.#line.join(waiter);
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
