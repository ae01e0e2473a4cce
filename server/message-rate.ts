import { isLoopback } from './address.ts';
import { RateLimit } from './rate-limit.ts';

/** Addresses that have been silent for so long have their whole burst again, and are forgotten. */
const FORGET_MS = 60_000;

/** How many messages each address may submit; this machine's own are not limited. */
export class MessageRate {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  readonly #limits = new Map<string, { readonly limit: RateLimit; usedMs: number }>();
  #sweptMs: number;

  constructor(perSecond: number, nowMs: () => number) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#sweptMs = nowMs();
  }

  /** Whether the address may submit one more; counts it when it may. */
  take(address: string): boolean {
    if (isLoopback(address)) return true;
    const nowMs = this.#nowMs();
    this.#sweep(nowMs);
    const known = this.#limits.get(address);
    const burst = 2 * this.#perSecond;
    const one = known ?? { limit: new RateLimit(this.#perSecond, burst, nowMs), usedMs: nowMs };
    one.usedMs = nowMs;
    this.#limits.set(address, one);
    return one.limit.take(nowMs);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < FORGET_MS) return;
    this.#sweptMs = nowMs;
    for (const [address, { usedMs }] of this.#limits) {
      if (nowMs - usedMs >= FORGET_MS) this.#limits.delete(address);
    }
  }
}
