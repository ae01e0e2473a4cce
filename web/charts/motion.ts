/** How a chart goes from what it shows to what it should show. */
export interface Motion {
  /** For lengths and numbers, in ms; 0 sets them at once. */
  readonly reachMs: number;
  /** For places in the ranking, in ms; 0 sets them at once. */
  readonly placeMs: number;
}

/** No motion at all. */
export const STILL: Motion = { reachMs: 0, placeMs: 0 };
