/** The least time between two announcements, in ms: a screen reader needs it to finish one. */
export const ANNOUNCE_EVERY_MS = 5_000;

/** What an announcer needs from outside. */
export interface AnnouncerEnvironment {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls `then` once after `ms` milliseconds. */
  after(ms: number, then: () => void): unknown;
  /** Puts a text where screen readers hear it. */
  say(text: string): void;
}

/**
 * Announces at most one text every 5 s. Texts in between replace each other, and one equal to the
 * last said is not said again: what is heard is the newest, however much happened.
 */
export class Announcer {
  readonly #environment: AnnouncerEnvironment;
  #said = '';
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #next: string | undefined;

  constructor(environment: AnnouncerEnvironment) {
    this.#environment = environment;
  }

  announce(text: string): void {
    const waiting = this.#next !== undefined;
    this.#next = text;
    if (waiting) return;
    const waitMs = this.#saidAtMs + ANNOUNCE_EVERY_MS - this.#environment.now();
    if (waitMs <= 0) this.#sayNext();
    else this.#environment.after(waitMs, () => this.#sayNext());
  }

  #sayNext(): void {
    const text = this.#next ?? '';
    this.#next = undefined;
    if (text === this.#said) return;
    this.#said = text;
    this.#saidAtMs = this.#environment.now();
    this.#environment.say(text);
  }
}
