/** The middle value; the mean of both when there are two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Where the median of what was sampled lies with a confidence of at least 90 %, by order
 * statistics, which assume nothing about the distribution: the k-th least and the k-th greatest
 * value, k the greatest with P(Binomial(n, ½) < k) ≤ 5 %. Below five values all of them.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let term = 0.5 ** n;
  let below = term;
  let k = 0;
  while (below <= 0.05 && k < n) {
    k += 1;
    term *= (n - k + 1) / k;
    below += term;
  }
  const rank = Math.max(k, 1);
  return { low: sorted[rank - 1] ?? Number.NaN, high: sorted[n - rank] ?? Number.NaN };
}
