import { setTimeout as sleep } from 'node:timers/promises';

/** How long the views may take until the addresses are shown all the same. */
const PATIENCE_MS = 15_000;

/**
 * Resolves when the server at `page` serves every view (its `/readyz`), or when that takes too
 * long: to true or false. It asks every 50 ms; never rejects.
 */
export async function untilServing(page: string, patienceMs = PATIENCE_MS): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    try {
      const { ok } = await fetch(`${page}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (ok) return true;
    } catch {
      // It is being started again.
    }
    await sleep(50);
  }
  return false;
}
