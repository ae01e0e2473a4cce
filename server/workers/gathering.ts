/** Who was asked, by its number, and what it said. */
export type Parts = ReadonlyMap<number, unknown>;

export interface GatheringParts<Question> {
  /** Asks one worker. */
  readonly post: (worker: number, id: number, question: Question) => void;
  /** Runs `run` once after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

interface Open {
  readonly missing: Set<number>;
  readonly said: Map<number, unknown>;
  readonly done: (parts: Parts) => void;
  readonly cancel: () => void;
}

/** One worker that does not answer must not keep the answer of all from who asked. */
const DEADLINE_MS = 1_000;

/** Questions to all workers at once. */
export class Gathering<Question> {
  readonly #parts: GatheringParts<Question>;
  readonly #open = new Map<number, Open>();
  #asked = 0;

  constructor(parts: GatheringParts<Question>) {
    this.#parts = parts;
  }

  /** Resolves with what each said; those who left or are too slow are not among them. */
  ask(workers: readonly number[], question: Question): Promise<Parts> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      const cancel = this.#parts.after(DEADLINE_MS, () => this.#finish(id));
      const missing = new Set(workers);
      this.#open.set(id, { missing, said: new Map(), done: resolve, cancel });
      for (const worker of workers) this.#parts.post(worker, id, question);
      if (missing.size === 0) this.#finish(id);
    });
  }

  /** A worker's answer; a late one is ignored. */
  said(worker: number, id: number, part: unknown): void {
    const open = this.#open.get(id);
    if (open?.missing.delete(worker) !== true) return;
    open.said.set(worker, part);
    if (open.missing.size === 0) this.#finish(id);
  }

  /** A worker is no more. */
  left(worker: number): void {
    for (const [id, { missing }] of [...this.#open]) {
      if (missing.delete(worker) && missing.size === 0) this.#finish(id);
    }
  }

  #finish(id: number): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.cancel();
    open?.done(open.said);
  }
}
