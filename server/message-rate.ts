import { isLoopback } from './address.ts';
import { RateLimit } from './rate-limit.ts';

/** So often addresses that have their whole burst again are forgotten. */
const SWEEP_MS = 60_000;

/** How many messages each address may submit; this machine's own are not limited. */
export class MessageRate {
  readonly #limit: RateLimit;
  readonly #nowMs: () => number;
  /** What each address has used. */
  readonly #used = new Map<string, number>();
  #sweptMs: number;

  constructor(perSecond: number, nowMs: () => number) {
    this.#limit = new RateLimit(perSecond, 2 * perSecond);
    this.#nowMs = nowMs;
    this.#sweptMs = nowMs();
  }

  /** Whether the address may submit one more; counts it when it may. */
  take(address: string): boolean {
    if (isLoopback(address)) return true;
    const nowMs = this.#nowMs();
    this.#sweep(nowMs);
    const used = this.#limit.take(this.#used.get(address) ?? 0, nowMs);
    if (used !== null) this.#used.set(address, used);
    return used !== null;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = nowMs;
    for (const [address, used] of this.#used) if (used <= nowMs) this.#used.delete(address);
  }
}
