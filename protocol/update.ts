/**
 * The nouns that every stage shares. A view at a timestamp is a multiset of rows; everything a
 * viewer receives is a batch between two timestamps (PROTOCOL.md, "The one idea").
 */

/** What JSON can say, as parsed. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Logical time in milliseconds since the epoch: an integer from 0 to 2^53 − 1. */
export type Timestamp = number;

/**
 * A frontier F promises that every update with a time strictly below F is known. To hold a view at
 * F is to hold `SELECT … AS OF F − 1`. A finished view, one that can never change again, stands at
 * `'end'`, which is above every timestamp.
 */
export type Frontier = Timestamp | 'end';

/** The signed change of a row's multiplicity: an integer other than 0. */
export type Diff = number;

/**
 * A row as its identity: the minified JSON array of its column values. Two rows are equal exactly
 * when their texts are, so this text is the key everywhere and goes to viewers as it stands.
 */
export type RowText = string;

/** A column of a view, in row order. `type` is the SQL name, such as `bigint` or `text[]`. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** One change of a view. */
export interface Update {
  readonly row: RowText;
  readonly time: Timestamp;
  readonly diff: Diff;
}

/** Rows and the signed change of each; consolidated: no row stands with 0. */
export type Changes = ReadonlyMap<RowText, Diff>;

/**
 * The consolidated difference between a view at `lower` and the same view at `upper`: all updates
 * with `lower ≤ time < upper`. With `lower` null it is the batch from nothing: a snapshot.
 */
export interface Batch {
  readonly lower: Timestamp | null;
  readonly upper: Frontier;
  readonly changes: Changes;
}

/** Orders frontiers: negative when `a` is before `b`, 0 when equal. `'end'` is after all others. */
export function compareFrontiers(a: Frontier, b: Frontier): number {
  if (a === b) return 0;
  if (a === 'end') return 1;
  if (b === 'end') return -1;
  return a - b;
}

/** The earlier of two frontiers. */
export function earlier(a: Frontier, b: Frontier): Frontier {
  return compareFrontiers(a, b) <= 0 ? a : b;
}
