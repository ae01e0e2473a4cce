/**
 * Whether a client comes back after a close: `no` (the same would happen again), `wait` (after its
 * own back-off, and not before the server's `retryMs`), `token` (so, too, but with a new token).
 */
export type Reconnect = 'no' | 'wait' | 'token';

/** What a client is to do about a closed connection. */
export interface CloseAdvice {
  readonly reconnect: Reconnect;
  /** The shortest wait, in milliseconds. */
  readonly retryMs: number;
}

/** The longest wait that is honoured, in milliseconds: a server cannot send viewers away. */
const MAX_RETRY_MS = 300_000;

/** Codes after which the same would happen again, and those that ask for a new token. */
const FINAL: readonly number[] = [4002, 4009];
const NEEDS_TOKEN: readonly number[] = [4003, 4004];

/**
 * Reads a close frame, or its absence (1006). A code that is not the server's own, from a proxy or
 * the network, means: come back. This is all that a client knows of `close.ts`, which a test holds
 * it against.
 */
export function closeAdvice(code: number, reason: string): CloseAdvice {
  const named = Number(/ retryMs=(\d{1,9})$/.exec(reason)?.[1] ?? 0);
  const again = NEEDS_TOKEN.includes(code) ? 'token' : 'wait';
  return {
    reconnect: FINAL.includes(code) ? 'no' : again,
    retryMs: Math.min(named, MAX_RETRY_MS),
  };
}
