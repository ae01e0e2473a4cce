/** Thrown when the client has left, or must: the session ends and nobody is told more. */
export const GONE = Symbol('gone');

/** Between pieces of work: what a client sent before it left is still done, as PostgreSQL does. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted && signal.reason !== GONE) signal.throwIfAborted();
}
