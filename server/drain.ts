import { CLOSE, type CloseCode } from '../protocol/close.ts';
import type { Clock } from './clock.ts';

/** A connection that can be told to go. */
export interface DrainedConnection {
  /** Ends it; it is no longer among the connections then. */
  close(reason: CloseCode): void;
}

export interface DrainParts {
  /** Those that are open now. */
  readonly connections: () => Iterable<DrainedConnection>;
  /** Over how long the closes are spread, in ms. */
  readonly drainMs: number;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Called once, when no connection is left. */
  readonly done: () => void;
}

/** Closes come in steps of so long, in ms. */
const STEP_MS = 50;
/** The longest time that a viewer is told to stay away, in ms. */
const MAX_RETRY_MS = 1_000;

/**
 * Sends all viewers away, evenly spread over `drainMs`: at each moment so many are closed that the
 * rest is gone at the end, whoever comes or leaves meanwhile. Each is told to come back after a
 * time uniform over a second, which evens out what the steps bunch. Without viewers it is done at
 * once. The returned function calls off what is left, `done` with it.
 */
export function drain({ connections, drainMs, clock, random, done }: DrainParts): () => void {
  let cancel: () => void = () => {};
  const step = (leftMs: number): void => {
    const open = shuffled([...connections()], random);
    const share = leftMs <= 0 ? 1 : Math.min(1, STEP_MS / (leftMs + STEP_MS));
    for (const connection of open.slice(0, stochasticRound(open.length * share, random))) {
      connection.close({ ...CLOSE.draining, retryMs: Math.ceil(MAX_RETRY_MS * random()) });
    }
    if (leftMs <= 0 || isEmpty(connections())) done();
    else cancel = clock.after(Math.min(STEP_MS, leftMs), () => step(leftMs - STEP_MS));
  };
  if (isEmpty(connections())) done();
  else step(drainMs);
  return () => cancel();
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false;
  return true;
}

/** Up or down by chance, so that the mean is the number: a few viewers are spread as well as many. */
function stochasticRound(value: number, random: () => number): number {
  const whole = Math.floor(value);
  return random() < value - whole ? whole + 1 : whole;
}

/** By Fisher and Yates; who came together does not leave together. */
function shuffled<T>(items: T[], random: () => number): readonly T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [a, b] = [items[at], items[other]];
    if (a !== undefined && b !== undefined) [items[at], items[other]] = [b, a];
  }
  return items;
}
