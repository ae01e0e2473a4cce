import type { Clock } from '../clock.ts';

/**
 * How long a token counts beyond its `exp`, and before its `nbf`, in ms: clocks differ. An open
 * connection ends so long after `exp`, hence within the 25 s that are promised.
 */
export const LEEWAY_MS = 5_000;

/** The wall clock is looked at so often, in ms: it may have jumped, as after a sleep. */
const LOOK_MS = 15_000;

/**
 * Calls `expired` once when the wall clock is {@link LEEWAY_MS} past `expiresAtMs` (null: never).
 * The returned function calls it off and may be called at any time.
 */
export function watchExpiry(
  clock: Clock,
  expiresAtMs: number | null,
  expired: () => void,
): () => void {
  if (expiresAtMs === null) return () => {};
  let cancel: () => void = () => {};
  const look = (): void => {
    const leftMs = expiresAtMs + LEEWAY_MS - clock.now();
    if (leftMs > 0) cancel = clock.after(Math.min(leftMs, LOOK_MS), look);
    else expired();
  };
  look();
  return () => cancel();
}
