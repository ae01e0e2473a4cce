/**
 * The line of Materialize that the engine poses as: the newer one, which also takes TAIL, or the one
 * up to 0.26, for those who move from there and for tests of what speaks to it.
 */
export type Line = 'subscribe' | 'tail';

/** What `mz_version()` and `mz_version_num()` (XXYYYZZ) answer. */
export const VERSIONS: Readonly<Record<Line, { readonly text: string; readonly number: number }>> =
  {
    subscribe: { text: 'v26.39.0 (viewcast)', number: 2603900 },
    tail: { text: 'v0.26.1 (viewcast)', number: 2601 },
  };
