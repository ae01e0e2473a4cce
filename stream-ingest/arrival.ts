/**
 * One event as an input delivers it, not yet parsed. Inputs (live, recorded, generated) are async
 * iterables of these; the pipeline pulls, so that an input waits when the engine is slow or away.
 */
export interface Arrival {
  /** The event's text, hopefully JSON. */
  readonly json: string;
  /** What this input needs to go on after this event; stored with the data it covers. */
  readonly position: string;
}

/** Where a store's changes come from; each has a store of its own. */
export type InputKind = 'live' | 'recorded' | 'generated';

/** How the input stands, for the page's badge. `ended` is the end of a recording. */
export type InputState = 'connected' | 'reconnecting' | 'ended';

/** Time as the inputs see it, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
