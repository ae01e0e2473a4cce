import type { FromWorker, Question, ToWorker } from './message.ts';

/** What one worker asks of all of them together, through the main thread. */
export class Whole {
  readonly #post: (message: FromWorker) => void;
  readonly #asked = new Map<number, (answer: unknown) => void>();
  readonly #entering = new Map<number, (admitted: boolean) => void>();
  #made = 0;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  /** What all workers' parts come to. */
  ask(question: Question): Promise<unknown> {
    const id = this.#next();
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#post({ kind: 'ask', id, question });
    });
  }

  /**
   * Takes one of the address's connections; null when it has as many as it may. The function that
   * gives it back may be called more than once.
   */
  enter(address: string): Promise<(() => void) | null> {
    const id = this.#next();
    return new Promise((resolve) => {
      this.#entering.set(id, (admitted) => resolve(admitted ? this.#leave(id) : null));
      this.#post({ kind: 'enter', id, address });
    });
  }

  /** An answer came. */
  hear(message: Extract<ToWorker, { readonly kind: 'answer' | 'entered' }>): void {
    const { id } = message;
    if (message.kind === 'answer') {
      this.#asked.get(id)?.(message.answer);
      this.#asked.delete(id);
    } else {
      this.#entering.get(id)?.(message.admitted);
      this.#entering.delete(id);
    }
  }

  #next(): number {
    this.#made += 1;
    return this.#made;
  }

  #leave(id: number): () => void {
    let inside = true;
    return () => {
      if (inside) this.#post({ kind: 'left', id });
      inside = false;
    };
  }
}
