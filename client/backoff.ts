/** The shortest and the longest wait before the next attempt, in milliseconds. */
const MIN_MS = 500;
const MAX_MS = 20_000;

/**
 * How long to wait before an attempt, in milliseconds: full jitter between 0.5 s and a limit that
 * doubles from 1 s to 20 s, so that viewers cut off together do not return together.
 *
 * @param failures how many attempts have failed in a row, from 0
 * @param random a number from 0 to below 1
 */
export function backoffMs(failures: number, random: number): number {
  const limit = Math.min(MAX_MS, 2 * MIN_MS * 2 ** failures);
  return MIN_MS + random * (limit - MIN_MS);
}
