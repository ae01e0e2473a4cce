import type { Arrival, Clock } from './arrival.ts';
import { generatedChange } from './generated-change.ts';

/** Where a generator stands: the number of its next change. */
interface GeneratorPosition {
  readonly seed: number;
  readonly next: number;
}

export interface GenerateOptions {
  /** Changes per second, above 0. */
  readonly rate: number;
  /** Used when there is no position yet; an integer from 0 to below 2^32. */
  readonly seed: number;
  readonly position: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Further behind than this (the engine was away) a generator does not catch up. */
const longestBurstMs = 1_000;

function parsePosition(position: string): GeneratorPosition {
  const value: unknown = JSON.parse(position);
  if (typeof value === 'object' && value !== null && 'seed' in value && 'next' in value) {
    const { seed, next } = value;
    if (typeof seed === 'number' && typeof next === 'number') return { seed, next };
  }
  throw new TypeError(`expected a generator's position in the store, got ${position}`);
}

/** Invented changes at a steady rate for as long as the signal allows, going on from `position`. */
export async function* generate(
  options: GenerateOptions,
): AsyncGenerator<Arrival, void, undefined> {
  const { rate, clock, signal } = options;
  const from =
    options.position === null ? { seed: options.seed, next: 0 } : parsePosition(options.position);
  let due = clock.now();
  for (let n = from.next; !signal.aborted; n += 1) {
    const now = clock.now();
    if (due > now) await clock.sleep(due - now, signal);
    else if (now - due > longestBurstMs) due = now;
    if (signal.aborted) return;
    const position: GeneratorPosition = { seed: from.seed, next: n + 1 };
    yield {
      json: generatedChange(from.seed, n, clock.now()),
      position: JSON.stringify(position),
    };
    due += 1000 / rate;
  }
}
