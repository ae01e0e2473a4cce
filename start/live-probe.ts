import type { Reachability } from '../stream-ingest/reachable.ts';

/** Between two questions while the stream is away: 5 s, doubled up to 60 s, each time jittered. */
export const FIRST_PROBE_MS = 5_000;
const MAX_PROBE_MS = 60_000;

/** What probing needs from outside. */
export interface ProbeSurroundings {
  reachable(): Promise<Reachability>;
  readonly random: () => number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Resolves to true when the stream answers, to false when the signal aborts first. The first
 * question comes after about `firstMs`.
 */
export async function untilReachable(
  around: ProbeSurroundings,
  signal: AbortSignal,
  firstMs = FIRST_PROBE_MS,
): Promise<boolean> {
  for (let pauseMs = firstMs; !signal.aborted; pauseMs = Math.min(MAX_PROBE_MS, pauseMs * 2)) {
    await around.sleep(pauseMs * (0.5 + around.random() / 2), signal);
    if (signal.aborted) break;
    const { reachable } = await around.reachable();
    if (reachable && !signal.aborted) return true;
  }
  return false;
}
