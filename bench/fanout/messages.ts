import type { Access, Facts } from './candidates/candidate.ts';

/** What the bench asks of a server process; each is answered once, in order. */
export type ServerCommand =
  | {
      readonly do: 'burst';
      /** Index of the candidate in the process. */
      readonly candidate: number;
      readonly ticks: number;
      /** Batches published in each tick. */
      readonly batches: number;
    }
  | { readonly do: 'usage'; readonly collect: boolean }
  | { readonly do: 'facts'; readonly candidate: number }
  | { readonly do: 'encodings'; readonly candidate: number };

/** The first message of a server process. */
export interface ServerReady {
  readonly accesses: readonly Access[];
}

/** The process so far. */
export interface Usage {
  /** User and system CPU in µs. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** In use on V8's heap. */
  readonly heapBytes: number;
}

/** How often texts were made in one tick of 16 batches. */
export interface Encodings {
  readonly stringified: number;
  readonly encoded: number;
}

export interface ServerAnswers {
  /** The usage before the first tick; the burst's last bytes may still be on their way. */
  readonly burst: Usage;
  readonly usage: Usage;
  readonly facts: Facts;
  readonly encodings: Encodings;
}

/** What the bench asks of a load process; each is answered once, in order. */
export type LoadCommand =
  | {
      readonly do: 'connect';
      readonly group: string;
      readonly access: Access;
      readonly viewers: number;
      /** What viewers ask for, in turn; empty for all of the view, anew. */
      readonly wanted: readonly Wanted[];
      /** One viewer in so many is parsed and checked whole; 1: all. */
      readonly checkEvery: number;
      /** Viewers get catch-ups between live batches: each is checked by folding. */
      readonly gaps: boolean;
    }
  | { readonly do: 'await'; readonly group: string; readonly messages: number }
  | { readonly do: 'pause'; readonly group: string }
  | { readonly do: 'unpause'; readonly group: string }
  | { readonly do: 'counts'; readonly group: string }
  | { readonly do: 'cut'; readonly group: string };

/** What one viewer asks for. */
export interface Wanted {
  /** The last batch that it holds already, and the epoch of that. */
  readonly from?: { readonly epoch: string; readonly batch: number };
  readonly where?: Readonly<Record<string, string>>;
}

/** A group of viewers so far. */
export interface Counts {
  readonly open: number;
  readonly closed: number;
  /** How often one was lost before it was greeted, and came again. */
  readonly lost: number;
  /** How the last one ended, in words. */
  readonly ending: string;
  /** Messages received, the greetings not counted. */
  readonly messages: number;
  /** The fewest and the most that one viewer received. */
  readonly least: number;
  readonly most: number;
  readonly bytes: number;
  /** Messages that were parsed and compared with what was due. */
  readonly checked: number;
  /** The last batch that the most backward of the checked viewers holds. */
  readonly held: number;
  /** The first wrong message in words, or null. */
  readonly fault: string | null;
  /** From the first connect to the last greeting. */
  readonly joinedMs: number;
}

/** An answer, or why there is none. */
export type Answer<T> = { readonly ok: T } | { readonly error: string };
