import { progressLine } from '../stream-ingest/progress-line.ts';

/** Where the supervisor writes; a part of `NodeJS.WriteStream`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** How often the same line is shown before it is held back. */
const MAX_REPEATS = 5;

/** Tells the person at the terminal what goes on: news to stdout, problems to stderr. */
export class Terminal {
  readonly #out: Output;
  readonly #problems: Output;
  readonly #quiet: boolean;
  readonly #repeats = new Map<string, number>();
  #barShown = false;
  /** The line that was written last. */
  #last = '';

  constructor(out: Output, problems: Output, quiet: boolean) {
    this.#out = out;
    this.#problems = problems;
    this.#quiet = quiet;
  }

  /** Says nothing with `--quiet`. */
  news(text: string): void {
    if (!this.#quiet) this.#line(this.#out, text);
  }

  /** Always said, with `--quiet` too. */
  problem(text: string): void {
    this.#line(this.#problems, text);
  }

  /**
   * A problem that may come over and over: from the sixth time on it is not repeated, and never
   * right below itself, as when each of several streams loses the same connection.
   */
  repeatedProblem(text: string): void {
    if (text === this.#last) return;
    const count = (this.#repeats.get(text) ?? 0) + 1;
    this.#repeats.set(text, count);
    if (this.#repeats.size > 1_000) this.#repeats.clear();
    if (count < MAX_REPEATS) this.problem(text);
    if (count === MAX_REPEATS) this.problem(`${text} (not shown again)`);
  }

  /** Draws how far a replay is, where there is a terminal to draw on. */
  progress(done: number, total: number): void {
    if (this.#quiet || this.#out.isTTY !== true) return;
    this.#out.write(`\r${progressLine(done, total, this.#out.columns ?? 80)}`);
    this.#barShown = true;
    if (done >= total) this.#endBar();
  }

  #line(output: Output, text: string): void {
    this.#endBar();
    output.write(`${text}\n`);
    this.#last = text;
  }

  #endBar(): void {
    if (this.#barShown) this.#out.write('\n');
    this.#barShown = false;
  }
}
