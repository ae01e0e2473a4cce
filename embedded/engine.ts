import type { CreateKafkaRequest } from './kafka/definition.ts';

/**
 * What a session asks of the engine. `session` (the wire side) calls this, `core.ts` (the database
 * side) fulfils it; neither imports the other.
 */

/** Framed backend messages of the PostgreSQL protocol, one or several, never a part of one. */
export type Emit = (frames: Uint8Array) => void;

/** A session's settings in force (`SET`), by lower-case name; the engine applies them to a turn. */
export type Settings = ReadonlyMap<string, string>;

/** One self-contained piece of work: it ends with Query or Sync, and runs in autocommit. */
export interface Unit {
  /** Framed frontend messages: a Query of one statement, or Parse/Bind/Describe/Execute + Sync. */
  readonly frames: Uint8Array;
  /** The statement's text, for the engine to recognise what it can run together with others. */
  readonly sql: string;
}

/** The engine's single backend, held by one session between BEGIN and COMMIT or ROLLBACK. */
export interface Transaction {
  /** `frames` ends with Query or Sync. Returns the status of the last ReadyForQuery. */
  execute(frames: Uint8Array, emit: Emit): Promise<'I' | 'T' | 'E'>;
  /** Gives the backend back, rolling back when the transaction is still open. Idempotent. */
  release(): Promise<void>;
}

/** The time of what can never change again: 2^64 − 1, as Materialize says it. */
export const END_OF_TIME = 2n ** 64n - 1n;

/** A column as a RowDescription names it. */
export interface Field {
  readonly name: string;
  readonly typeOid: number;
  readonly typeSize: number;
  readonly typeModifier: number;
}

/** One row of a subscription. Progress at T: no later row has a time below T. */
export type SubscriptionRow =
  | { readonly kind: 'progress'; readonly time: bigint }
  | {
      readonly kind: 'data';
      readonly time: bigint;
      readonly diff: number;
      /** The view's columns in text format, null for NULL; as PostgreSQL prints them. */
      readonly values: readonly (Uint8Array | null)[];
    };

export interface SubscribeRequest {
  /** A relation's name as written (unquoted, lower-cased where it stood bare), or a query. */
  readonly from: { readonly relation: string } | { readonly query: string };
  /** Send the rows as of the start first (default of the dialect: true). */
  readonly snapshot: boolean;
  readonly asOf?: { readonly time: bigint; readonly atLeast: boolean } | undefined;
  /** Exclusive; makes the stream finite. */
  readonly upTo?: bigint | undefined;
}

/**
 * A running subscription. Rows come in time order, all of one time together; progress rows are
 * always produced, the session leaves them out where PROGRESS was not asked for. The first row is
 * progress at the as-of time, then come the snapshot rows, then progress above it.
 */
export interface Subscription {
  /** The view's own columns, without mz_timestamp and its kin. */
  readonly fields: readonly Field[];
  readonly asOf: bigint;
  /** Takes at most `limit` rows that are ready now, without waiting; [] when there are none. */
  take(limit: number): readonly SubscriptionRow[];
  /**
   * Resolves when rows are ready or the stream is over (`ended`), rejects with EngineError when it
   * failed (DROP of the relation 42704, fell behind XX000) or with the signal's reason.
   */
  ready(signal: AbortSignal): Promise<void>;
  /** True once no row is left and none will come (UP TO reached, constant view). */
  readonly ended: boolean;
  /** Stops it; idempotent. */
  close(): void;
}

/** What stands in the catalogue: relations, and what Kafka's need. */
export type ItemKind = 'view' | 'materialized-view' | 'table' | 'source' | 'connection' | 'secret';
/** What DROP can name. */
export type DropKind = ItemKind | 'index';

/** A relation as SHOW lists it. */
export interface RelationInfo {
  readonly name: string;
  readonly kind: ItemKind;
  /** Why a materialized view is re-evaluated and not maintained incrementally; null when it is. */
  readonly reevaluated: string | null;
  /** The CREATE statement as it was given. */
  readonly sql: string;
  /** Counts only rows since then, when retention had already dropped older ones; else null. */
  readonly countsSince: Date | null;
  /** How its reading from Kafka goes; null for what reads nothing. */
  readonly reading: string | null;
}

export interface CreateViewRequest {
  readonly name: string;
  /** Column names given after the view's name, or []. */
  readonly columns: readonly string[];
  /** The SELECT. */
  readonly query: string;
  readonly materialized: boolean;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  /** The whole statement, for SHOW CREATE. */
  readonly sql: string;
}

/** What the catalogue answers to statements that PostgreSQL itself cannot run. */
export interface Catalog {
  /** Returns a notice to show (01000), such as why the view is re-evaluated, or null. */
  createView(request: CreateViewRequest): Promise<string | null>;
  /**
   * Makes what the statements about Kafka define; a table begins to be filled at once. Returns a
   * notice to show, or null.
   *
   * @throws {EngineError} also when the schemas that say the columns cannot be read.
   */
  createKafka(request: CreateKafkaRequest): Promise<string | null>;
  drop(request: {
    readonly kind: DropKind;
    readonly names: readonly string[];
    readonly ifExists: boolean;
    readonly cascade: boolean;
  }): Promise<void>;
  relations(): Promise<readonly RelationInfo[]>;
  /** @throws {EngineError} XX000 `unknown catalog item '…'`. */
  columns(
    relation: string,
  ): Promise<
    readonly { readonly name: string; readonly nullable: boolean; readonly type: string }[]
  >;
}

export interface Engine {
  /** Distinguishes this store from every other: a UUID made with its folder. */
  readonly identity: string;
  readonly catalog: Catalog;
  /**
   * Runs one unit alone, first come first served. The engine may run it together with others in
   * one commit; `emit` gets the backend's whole answer (ErrorResponse and ReadyForQuery included)
   * and only after the commit.
   */
  autocommit(unit: Unit, settings: Settings, emit: Emit): Promise<void>;
  /** Waits for the backend, opens a transaction with BEGIN, and holds it until released. */
  begin(settings: Settings): Promise<Transaction>;
  /** @throws {EngineError} unknown relation XX000, AS OF out of reach 22000, bad query … */
  subscribe(request: SubscribeRequest, settings: Settings): Promise<Subscription>;
  /** The time `mz_now()` answers; closes the current tick first, so that it covers all commits. */
  now(): Promise<bigint>;
}

/** An error as the wire carries it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, more: { detail?: string; hint?: string } = {}) {
    super(message);
    this.code = code;
    this.detail = more.detail;
    this.hint = more.hint;
  }
}
