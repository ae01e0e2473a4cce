import type { Column, Frontier, Timestamp } from '../../protocol/update.ts';

/** Changes as two arrays of one length. */
export interface Packed {
  readonly rows: readonly string[];
  readonly diffs: readonly number[];
}

/** One entry of a view's history: the changes of the times `first ≤ time ≤ last`. */
export interface PackedEntry {
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly changes: Packed;
}

/** Where a view stands with its upstream; the view stage names the same. */
export type ViewState = 'hydrating' | 'live' | 'stale' | 'ended' | 'gone';

/** A whole view at one moment, its history included. */
export interface PackedView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly definition: string | null;
  readonly identity: string;
  readonly epoch: string;
  /** Null while hydrating. */
  readonly frontier: Frontier | null;
  readonly state: ViewState;
  readonly rows: Packed;
  readonly historyStart: Timestamp;
  readonly entries: readonly PackedEntry[];
}

/** What happens to the views, in order. A worker that has heard all of it holds what the main thread holds. */
export type ViewEvent =
  | { readonly kind: 'added'; readonly view: PackedView }
  | { readonly kind: 'removed'; readonly name: string }
  | { readonly kind: 'reset'; readonly view: PackedView }
  | {
      readonly kind: 'batch';
      readonly name: string;
      readonly upper: Frontier;
      /** What history keeps of the batch. */
      readonly entries: readonly PackedEntry[];
      /** Null when the entries add up to the batch; else history forgot a part of it at once. */
      readonly forgotten: { readonly changes: Packed; readonly historyStart: Timestamp } | null;
    }
  | { readonly kind: 'state'; readonly name: string; readonly state: ViewState }
  | { readonly kind: 'discovered' };

/** What can be asked of all workers together. */
export type Question = 'metrics' | 'viewers' | 'alive';

/** From the main thread to a worker. */
export type ToWorker =
  /** All that happened in one turn of the main thread, or all views: arrays of events as JSON. */
  | { readonly kind: 'events'; readonly texts: readonly string[] }
  /** Say what you have; the number comes back with the answer. */
  | { readonly kind: 'gather'; readonly id: number; readonly question: Question }
  /** What all workers said to the question that this one asked. */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** Whether the address may have one more connection. */
  | { readonly kind: 'entered'; readonly id: number; readonly admitted: boolean }
  | { readonly kind: 'drain'; readonly drainMs: number }
  | { readonly kind: 'close' };

/** From a worker to the main thread. */
export type FromWorker =
  /** It has started and hears; the views are to be handed over. */
  | { readonly kind: 'hello' }
  /** It serves what it was handed. */
  | { readonly kind: 'listening' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'gathered'; readonly id: number; readonly part: unknown }
  | { readonly kind: 'enter'; readonly id: number; readonly address: string }
  | { readonly kind: 'left'; readonly id: number }
  /** Its last viewer has been sent away. */
  | { readonly kind: 'drained' }
  /** It cannot serve, and why: it ends now. */
  | { readonly kind: 'failed'; readonly message: string };
