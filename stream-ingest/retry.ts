/** Seconds or an HTTP date (RFC 9110 §10.2.3), as milliseconds from `now`; null when absent. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

const longestRetryAfterMs = 15 * 60_000;
const longestBackOffMs = 30_000;

/**
 * How long to wait before the next attempt: full jitter over 0.5 s doubled per consecutive failure,
 * at most 30 s. What the server asks for is waited in full (at most 15 minutes), the jitter on top.
 *
 * @param failures attempts that failed since events last came; 0 after an ordinary cut.
 * @param random from 0 to below 1.
 */
export function retryDelayMs(
  failures: number,
  retryAfterMs: number | null,
  random: () => number,
): number {
  const jitter = random() * Math.min(longestBackOffMs, 500 * 2 ** Math.min(failures, 16));
  return Math.min(retryAfterMs ?? 0, longestRetryAfterMs) + jitter;
}
