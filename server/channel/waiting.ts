import type { Frontier } from '../../protocol/update.ts';

/** Somebody who waits until a viewer has been sent all up to a frontier. */
interface Waiter<Viewer> {
  readonly viewer: Viewer;
  readonly frontier: Frontier;
  readonly run: () => void;
}

/** Those who wait until a viewer has been sent all up to a frontier; each is called once. */
export class Waiting<Viewer> {
  readonly #isShown: (viewer: Viewer, frontier: Frontier) => boolean;
  #waiters: Waiter<Viewer>[] = [];

  /** `isShown` must be true of a viewer that has left, too: nobody waits for ever. */
  constructor(isShown: (viewer: Viewer, frontier: Frontier) => boolean) {
    this.#isShown = isShown;
  }

  /** Calls `run` when it is shown: at once where that is so already. */
  add(viewer: Viewer, frontier: Frontier, run: () => void): void {
    if (this.#isShown(viewer, frontier)) run();
    else this.#waiters.push({ viewer, frontier, run });
  }

  /** To be called after whatever may have shown more to somebody. */
  look(): void {
    if (this.#waiters.length === 0) return;
    const shown = this.#waiters.filter(({ viewer, frontier }) => this.#isShown(viewer, frontier));
    if (shown.length === 0) return;
    this.#waiters = this.#waiters.filter((one) => !shown.includes(one));
    for (const { run } of shown) run();
  }

  /** Another epoch: what was waited for means nothing there, and its first snapshot shows it. */
  restart(): void {
    this.#waiters = this.#waiters.map((one) => ({ ...one, frontier: 0 }));
  }
}
