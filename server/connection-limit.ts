import { isLoopback } from './address.ts';

/** Counts the open connections of each address. */
export class ConnectionLimit {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  /** `most` connections for an address; this machine's own addresses are not limited. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Lets a connection in, or returns null. The function it returns may be called more than once. */
  enter(address: string): (() => void) | null {
    if (isLoopback(address)) return nothing;
    const open = this.#open.get(address) ?? 0;
    if (open >= this.#most) return null;
    this.#open.set(address, open + 1);
    let inside = true;
    return () => {
      if (inside) this.#leave(address);
      inside = false;
    };
  }

  #leave(address: string): void {
    const open = (this.#open.get(address) ?? 0) - 1;
    if (open > 0) this.#open.set(address, open);
    else this.#open.delete(address);
  }
}

function nothing(): void {}
