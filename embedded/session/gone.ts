import { EngineError } from '../engine.ts';

/** Thrown when the client has left, or must: the session ends and nobody is told more. */
export const GONE = Symbol('gone');

/** Between pieces of work: what a client sent before it left is still done, as PostgreSQL does. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted && signal.reason !== GONE) signal.throwIfAborted();
}

/** What a client is told before it is sent away for holding the engine idly. */
export const IDLE_TOO_LONG = new EngineError(
  '25P03',
  'terminating connection due to idle-in-transaction timeout',
  { hint: 'A transaction that has written holds the engine: COMMIT soon after the first write.' },
);
