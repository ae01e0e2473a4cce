/** What to do after a child process ended by itself. */
export type Restart =
  | { readonly kind: 'restart'; readonly afterMs: number; readonly quickDeaths: number }
  | { readonly kind: 'give-up' };

/** How long a process must have been ready before its death counts as a first one again. */
export const SETTLED_MS = 2_000;
/** Deaths in a row, none after settling, at which restarting is given up. */
export const MAX_QUICK_DEATHS = 6;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

/**
 * Decides by how long the process had been ready (null: never) and how many quick deaths came
 * right before. The delay doubles with each quick death.
 */
export function planRestart(readyForMs: number | null, quickDeaths: number): Restart {
  if (readyForMs !== null && readyForMs >= SETTLED_MS) {
    return { kind: 'restart', afterMs: FIRST_DELAY_MS, quickDeaths: 0 };
  }
  const deaths = quickDeaths + 1;
  if (deaths >= MAX_QUICK_DEATHS) return { kind: 'give-up' };
  const afterMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** quickDeaths);
  return { kind: 'restart', afterMs, quickDeaths: deaths };
}
