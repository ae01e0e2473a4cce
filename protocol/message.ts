import type { Column, Diff, Frontier, Json } from './update.ts';

/**
 * The messages of `ws /api/v1`: one JSON object a WebSocket text message, told apart by `type`.
 * PROTOCOL.md says when each is legal and how a violation is answered; `schema.ts` holds the same
 * as zod schemas, and a test keeps the two equal.
 */

/** The version that the path `/api/v1` and `hello.protocol` name. */
export const PROTOCOL_VERSION = 1;

/**
 * What `hello.schema` says: the first 16 hexadecimal digits of the SHA-256 of the message schemas
 * as JSON Schema. A test computes it.
 */
export const SCHEMA_HASH = 'aa096ed6ff7c3738';

/** Bounds of what a client may say. Numbers count UTF-16 code units where a text is bounded. */
export const BOUNDS = {
  /** One message to the server, in bytes. */
  messageBytes: 16_384,
  /** Nested arrays and objects in a message to the server, the message itself being 1. */
  jsonDepth: 8,
  idLength: 64,
  nameLength: 255,
  /** Views of one subscription. */
  views: 16,
  /** Columns of one filter. */
  filterColumns: 8,
  filterTextLength: 1_024,
  /** The longest `everyMs`, in milliseconds. */
  everyMs: 60_000,
  tokenLength: 8_192,
  epochLength: 64,
} as const;

/** What a filter compares a column with: the column's value as rows carry it. */
export type FilterValue = null | boolean | number | string;

/** One view of a subscription, with `where` only the rows whose columns all equal the values. */
export interface ViewRequest {
  readonly view: string;
  readonly where?: Readonly<Record<string, FilterValue>>;
}

/** What a viewer holds already. `held` names the views of a group that stand at another frontier. */
export interface ResumePoint {
  readonly epoch: string;
  readonly timestamp: Frontier;
  readonly held?: Held;
}

/** Views of a group that stand behind the group, and where. */
export type Held = Readonly<Record<string, Frontier>>;

/** Asks for one or several views as one. `everyMs`: at most one batch in so many milliseconds. */
export interface Subscribe {
  readonly type: 'subscribe';
  /** Chosen by the client; free again after `unsubscribe` or a final `error` with it. */
  readonly id: string;
  readonly views: readonly ViewRequest[];
  readonly from?: ResumePoint;
  readonly everyMs?: number;
}

/** Ends a subscription; not answered. */
export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly id: string;
}

/** A message in. `id` is a UUID: the first message with it wins, so it may be sent again. */
export interface Submit {
  readonly type: 'submit';
  readonly id: string;
  readonly topic: string;
  readonly value: Json;
}

/** Presents a token (a JWT), first of all or to refresh one before it expires. */
export interface Auth {
  readonly type: 'auth';
  readonly token: string;
}

/** All of the channel up to `upper` has been applied. */
export interface Ack {
  readonly type: 'ack';
  readonly channel: number;
  readonly upper: Frontier;
}

/** What a client says. */
export type ClientMessage = Subscribe | Unsubscribe | Submit | Auth | Ack;

/** What a server allows one connection. */
export interface Limits {
  readonly messageBytes: number;
  readonly jsonDepth: number;
  readonly subscriptions: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  /** Where a viewer leaves the live channel, in bytes that it has not acknowledged. */
  readonly unacknowledgedBytes: number;
  /** How long a viewer may stay behind before it is closed with 4008, in milliseconds. */
  readonly laggingMs: number;
}

/** The first message of a connection. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: number;
  /** Names the exact message schemas: equal hashes, equal messages. */
  readonly schema: string;
  /** Whether `auth` must come before all else, within 5 s. */
  readonly auth: 'none' | 'required';
  /** The longest silence of a living server while something is subscribed, in milliseconds. */
  readonly quietMs: number;
  readonly limits: Limits;
}

/** The token holds, for so many milliseconds more; null: for good. */
export interface Authorized {
  readonly type: 'authorized';
  readonly expiresInMs: number | null;
}

/** Why a resuming viewer gets a snapshot: history ends later, another epoch, or it is smaller. */
export type SnapshotReason = 'expired' | 'epoch' | 'smaller';

/**
 * A subscription stands, or stands anew with another channel. The next message of its channel is
 * the first batch: from nothing, or from the timestamp that the client said it holds.
 */
export interface Subscribed {
  readonly type: 'subscribed';
  readonly id: string;
  /** Names what is shared with other viewers; one connection has a channel once at most. */
  readonly channel: number;
  readonly epoch: string;
  readonly columns: Readonly<Record<string, readonly Column[]>>;
  readonly resumed: 'snapshot' | 'batch';
  readonly reason?: SnapshotReason;
}

/** The signed change of one row's multiplicity; the row's values in column order. */
export type RowChange = readonly [diff: Diff, row: readonly Json[]];

/**
 * What turns the views at `lower` into the views at `upper`; with `lower` null, what turns nothing
 * into them. A view named in `held` goes only to the frontier given there. A large batch comes as
 * `parts` messages, `part` counting from 0, equal but for `part` and `changes`, and counts as a
 * whole only.
 */
export interface BatchMessage {
  readonly type: 'batch';
  readonly channel: number;
  /** `"end"` only where nothing is new for a viewer that holds the end. */
  readonly lower: Frontier | null;
  readonly upper: Frontier;
  /** By view; a view that did not change may be absent. No row stands twice in one batch. */
  readonly changes: Readonly<Record<string, readonly RowChange[]>>;
  readonly held?: Held;
  readonly part?: number;
  readonly parts?: number;
}

/** Nothing has changed up to `upper` since the last batch; the hash of each view's rows there. */
export interface Progress {
  readonly type: 'progress';
  readonly channel: number;
  readonly upper: Frontier;
  /** By view: 16 hexadecimal digits (PROTOCOL.md, "Hash"). */
  readonly hash: Readonly<Record<string, string>>;
  readonly held?: Held;
}

/** Whether the channel follows its upstream: `stale` after 3 s without news from there. */
export interface Status {
  readonly type: 'status';
  readonly channel: number;
  readonly state: 'live' | 'stale';
}

/** A submitted message is safe: it will be in the archive. */
export interface Accepted {
  readonly type: 'accepted';
  readonly id: string;
}

/** A submitted message is in the views up to `timestamp`, which this connection has been sent. */
export interface Archived {
  readonly type: 'archived';
  readonly id: string;
  readonly timestamp: Frontier;
}

/** Every code of `error`, with what it says. */
export const ERROR_CODES = {
  bad_message: 'the message breaks this protocol; the connection closes with 4002',
  id_in_use: 'the id belongs to a subscription or message that is still open',
  duplicate: 'this connection has the same channel already, under another id',
  unknown_view: 'no view of that name is served',
  unknown_column: 'the view has no column of that name',
  forbidden: 'the token does not allow this view, filter or topic',
  too_many_subscriptions: 'the connection has as many subscriptions as it may',
  unavailable: 'what is behind the server does not answer yet',
  overloaded: 'the server takes no more of these just now',
  view_gone: 'the view was dropped; the subscription has ended',
  unknown_topic: 'no topic of that name takes messages',
  invalid_value: 'the value does not fit the schema of its topic',
  id_conflict: 'the id was used for another value before',
  internal: 'the server made a mistake',
} as const;

/** Why something was not done. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Something was not done. With `id` it ends that subscription or message, and the id is free. With
 * `retryMs` the same may be asked again after so many milliseconds, without it that is useless.
 */
export interface ErrorMessage {
  readonly type: 'error';
  readonly id?: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryMs?: number;
}

/** What a server says. */
export type ServerMessage =
  | Hello
  | Authorized
  | Subscribed
  | BatchMessage
  | Progress
  | Status
  | Accepted
  | Archived
  | ErrorMessage;
