import { Holding, type Sighting } from './holding.ts';
import { type Question, questionText } from './question.ts';
import type { Random } from './random.ts';
import type { Kind, Link } from './viewers/kind.ts';

/** What a client needs of the run. */
export interface ClientParts {
  readonly host: string;
  readonly port: number;
  readonly random: Random;
  readonly see: (sighting: Sighting) => void;
  readonly failed: (error: Error) => void;
}

const LEAST_WAIT_MS = 20;
const MOST_WAIT_MS = 300;

/** One client of some kind: it comes back whenever its connection is lost, until it is stopped. */
export class Client {
  readonly name: string;
  readonly holdings: readonly Holding[];
  readonly #kind: Kind;
  readonly #parts: ClientParts;
  readonly #memory = new Map<string, string>();
  #link: Link | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isStopped = false;
  /** Connections that ended by themselves. */
  losses = 0;
  /** Why the last connection ended. */
  lastLoss = '';

  constructor(number: number, kind: Kind, questions: readonly Question[], parts: ClientParts) {
    this.name = `${kind.name} ${number} of ${questions.map(questionText).join(' and ')}`;
    this.#kind = kind;
    this.#parts = parts;
    this.holdings = questions.map(
      (question) => new Holding(this.name, question, kind.isResuming, parts.see),
    );
  }

  connect(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || this.#link !== null) return;
    const { host, port, random, failed } = this.#parts;
    for (const holding of this.holdings) holding.visit();
    const link = this.#kind.open({
      host,
      port,
      random,
      memory: this.#memory,
      holdings: this.holdings,
      closed: (why) => {
        this.losses++;
        this.lastLoss = why;
        this.#link = null;
        this.#later(random.integer(LEAST_WAIT_MS, MOST_WAIT_MS));
      },
      failed: (error) => {
        this.#link = null;
        failed(new Error(`${this.name}: ${error.message}`, { cause: error }));
      },
    });
    this.#link = link;
    if (this.#isPaused) link.pause();
  }

  /** Stops reading; a client that pauses long enough is a slow one. */
  pause(): void {
    this.#isPaused = true;
    this.#link?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#link?.resume();
  }

  /** Goes away and comes back after a while, knowing what it held. */
  leave(forMs: number): void {
    if (this.#link?.drop !== undefined) {
      this.#link.drop();
      return;
    }
    this.#link?.close();
    this.#link = null;
    this.#later(forMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = null;
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => this.connect(), ms);
  }
}
