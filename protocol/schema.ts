import { z } from 'zod';
import type { ClientMessage, ServerMessage } from './message.ts';
import { BOUNDS, ERROR_CODES, type ErrorCode } from './message.ts';

/**
 * The messages of `message.ts` as schemas: what a server checks its viewers against, and what
 * `/asyncapi.json` shows. Messages to the server are strict, since a misspelt `where` would send
 * all rows; messages to a client may carry more fields than it knows.
 */

const count = z.int().min(0);
const durationMs = z.int().min(0);
const timestamp = z.int().min(0);
const frontier = z.union([timestamp, z.literal('end')], {
  // Said only where neither side is nearer: a number out of bounds is told its bound.
  error: 'expected an integer from 0 to 2^53 − 1, or "end"',
});
const id = z.string().min(1).max(BOUNDS.idLength);
const name = z.string().min(1).max(BOUNDS.nameLength);
const epoch = z.string().min(1).max(BOUNDS.epochLength);
const held = z.record(name, frontier);
const messageId = z.uuid();

const filterValue = z.union(
  [z.null(), z.boolean(), z.number(), z.string().max(BOUNDS.filterTextLength)],
  {
    error: `expected null, a boolean, a number or a text of at most ${BOUNDS.filterTextLength}`,
  },
);
const where = z
  .record(name, filterValue)
  .refine((columns) => Object.keys(columns).length <= BOUNDS.filterColumns, {
    error: `expected at most ${BOUNDS.filterColumns} columns`,
  });

const viewRequest = z.strictObject({ view: name, where: z.exactOptional(where) });
const views = z
  .array(viewRequest)
  .min(1)
  .max(BOUNDS.views)
  .refine((requests) => new Set(requests.map(({ view }) => view)).size === requests.length, {
    error: 'expected each view once; subscribe apart to a view under another filter',
  });

const subscribe = z.strictObject({
  type: z.literal('subscribe'),
  id,
  views,
  from: z.exactOptional(
    z.strictObject({ epoch, timestamp: frontier, held: z.exactOptional(held) }),
  ),
  everyMs: z.exactOptional(durationMs.max(BOUNDS.everyMs)),
});
const unsubscribe = z.strictObject({ type: z.literal('unsubscribe'), id });
const submit = z.strictObject({
  type: z.literal('submit'),
  id: messageId,
  topic: name,
  value: z.json(),
});
const auth = z.strictObject({
  type: z.literal('auth'),
  token: z.string().min(1).max(BOUNDS.tokenLength),
});
const ack = z.strictObject({ type: z.literal('ack'), channel: count, upper: frontier });

/** What a client says (`ClientMessage`). */
export const clientMessageSchema: z.ZodType<ClientMessage> = z.discriminatedUnion('type', [
  subscribe,
  unsubscribe,
  submit,
  auth,
  ack,
]);

const columns = z.array(z.object({ name: z.string(), type: z.string() }));
const diff = z.int().refine((value) => value !== 0, { error: 'expected a diff other than 0' });
const rowChange = z.tuple([diff, z.array(z.json())]);
const limits = z.object({
  messageBytes: count,
  jsonDepth: count,
  subscriptions: count,
  messagesPerSecond: count,
  messageBurst: count,
  unacknowledgedBytes: count,
  laggingMs: durationMs,
});

const hello = z.object({
  type: z.literal('hello'),
  protocol: z.int().min(1),
  schema: z.string(),
  auth: z.enum(['none', 'required']),
  quietMs: durationMs.min(1),
  limits,
});
const authorized = z.object({ type: z.literal('authorized'), expiresInMs: durationMs.nullable() });
const subscribed = z.object({
  type: z.literal('subscribed'),
  id,
  channel: count,
  epoch,
  columns: z.record(name, columns),
  resumed: z.enum(['snapshot', 'batch']),
  reason: z.exactOptional(z.enum(['expired', 'epoch', 'smaller'])),
});
const batch = z.object({
  type: z.literal('batch'),
  channel: count,
  lower: frontier.nullable(),
  upper: frontier,
  changes: z.record(name, z.array(rowChange)),
  held: z.exactOptional(held),
  part: z.exactOptional(count),
  parts: z.exactOptional(z.int().min(1)),
});
const progress = z.object({
  type: z.literal('progress'),
  channel: count,
  upper: frontier,
  hash: z.record(name, z.string().regex(/^[0-9a-f]{16}$/)),
  held: z.exactOptional(held),
});
const status = z.object({
  type: z.literal('status'),
  channel: count,
  state: z.enum(['live', 'stale']),
});
const accepted = z.object({ type: z.literal('accepted'), id: messageId });
const archived = z.object({ type: z.literal('archived'), id: messageId, timestamp: frontier });
const errorCodes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];
const error = z.object({
  type: z.literal('error'),
  id: z.exactOptional(id),
  code: z.enum(errorCodes),
  message: z.string(),
  retryMs: z.exactOptional(durationMs),
});

/** What a server says (`ServerMessage`). */
export const serverMessageSchema: z.ZodType<ServerMessage> = z.discriminatedUnion('type', [
  hello,
  authorized,
  subscribed,
  batch,
  progress,
  status,
  accepted,
  archived,
  error,
]);
