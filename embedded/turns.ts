/**
 * The one backend, taken in turns, first come first served. Between two turns the event loop runs
 * once, so that what arrived meanwhile can join the queue: that is what lets many sessions' inserts
 * meet and be committed together.
 */
export class Turns {
  readonly #queue: (() => Promise<void>)[] = [];
  #running = false;

  /** Turns that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Runs `work` alone and returns what it returns; its error is the caller's. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(async () => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      });
      if (!this.#running) this.#start();
    });
  }

  #start(): void {
    this.#running = true;
    setImmediate(() => void this.#pump());
  }

  async #pump(): Promise<void> {
    const work = this.#queue.shift();
    await work?.();
    if (this.#queue.length === 0) this.#running = false;
    else this.#start();
  }
}
