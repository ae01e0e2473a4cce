import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export interface DeadLetterOptions {
  /** JSON lines are appended to it; made, with its folder, when the first one comes. */
  readonly file: string;
  readonly now: () => number;
  /** The file cannot be written; the letters are counted all the same. */
  readonly onFailure: (error: unknown) => void;
  /** Bytes after which letters are only counted. Default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * What could not be passed on, with the reason, for a person to look at: one JSON object a line with
 * `at`, `reason` and `event`. After a crash a letter may stand there twice.
 */
export class DeadLetters {
  readonly #options: DeadLetterOptions;
  #bytes = 0;
  #count = 0;
  #failed = false;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
  }

  /** Since the start of this process. */
  get count(): number {
    return this.#count;
  }

  /** Written at once; what cannot be written stops nobody. @param event text, or a value for JSON. */
  add(reason: string, event: unknown): void {
    const { file, now, onFailure, maxBytes = 64 * 2 ** 20 } = this.#options;
    this.#count += 1;
    const at = new Date(now()).toISOString();
    const line = `${JSON.stringify({ at, reason, event })}\n`;
    if (this.#bytes + line.length > maxBytes) return;
    try {
      if (this.#bytes === 0) mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, line);
      this.#bytes += line.length;
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) onFailure(error);
      this.#failed = true;
    }
  }
}
