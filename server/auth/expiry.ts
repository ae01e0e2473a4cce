import type { Clock } from '../clock.ts';

/**
 * How long a token counts beyond its `exp`, and before its `nbf`, in ms: clocks differ. An open
 * connection ends so long after `exp`, hence within the 25 s that are promised.
 */
export const LEEWAY_MS = 5_000;

/** The wall clock is looked at so often, in ms: it may have jumped, as after a sleep. */
const LOOK_MS = 15_000;

/**
 * Calls `expired` once when the wall clock is {@link LEEWAY_MS} past `expiresAtMs` (null: never),
 * in a later turn. The returned function calls it off and may be called at any time.
 */
export function watchExpiry(
  clock: Clock,
  expiresAtMs: number | null,
  expired: () => void,
): () => void {
  if (expiresAtMs === null) return nothing;
  let cancel: () => void = () => {};
  const leftMs = (): number => expiresAtMs + LEEWAY_MS - clock.now();
  const wait = (): void => {
    cancel = clock.after(Math.min(Math.max(0, leftMs()), LOOK_MS), look);
  };
  const look = (): void => (leftMs() > 0 ? wait() : expired());
  wait();
  return () => cancel();
}

function nothing(): void {}
