import type { ServerMessage } from './message.ts';
import { excerpt, MessageError } from './message-error.ts';

/**
 * The client's side of the messages, by hand and without the schemas' library: a browser loads
 * this. A test holds it against the schemas.
 */

/** Whether a field is what PROTOCOL.md says. */
type Field = (value: unknown) => boolean;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const integer = (value: unknown): value is number => Number.isSafeInteger(value);
const count: Field = (value) => integer(value) && value >= 0;
const frontier: Field = (value) => value === 'end' || count(value);
const text: Field = (value) => typeof value === 'string';
const oneOf =
  (...values: readonly unknown[]): Field =>
  (value) =>
    values.includes(value);
const optional =
  (accepts: Field): Field =>
  (value) =>
    value === undefined || accepts(value);
const orNull =
  (accepts: Field): Field =>
  (value) =>
    value === null || accepts(value);
const list =
  (accepts: Field): Field =>
  (value) =>
    Array.isArray(value) && value.every(accepts);
const byName =
  (accepts: Field): Field =>
  (value) =>
    isObject(value) && Object.values(value).every(accepts);
const object =
  (fields: Fields): Field =>
  (value) =>
    isObject(value) && wrongField(value, fields) === undefined;

type Fields = Readonly<Record<string, Field>>;

/** The first field that is not what it must be. */
function wrongField(value: object, fields: Fields): string | undefined {
  return Object.keys(fields).find((name) => !fields[name]?.(Reflect.get(value, name)));
}

const change: Field = (value) =>
  Array.isArray(value) &&
  value.length === 2 &&
  integer(value[0]) &&
  value[0] !== 0 &&
  Array.isArray(value[1]);
const held = optional(byName(frontier));

const MESSAGES: Readonly<Record<ServerMessage['type'], Fields>> = {
  hello: {
    protocol: count,
    schema: text,
    auth: oneOf('none', 'required'),
    quietMs: count,
    limits: object({
      messageBytes: count,
      jsonDepth: count,
      subscriptions: count,
      messagesPerSecond: count,
      messageBurst: count,
      unacknowledgedBytes: count,
      laggingMs: count,
    }),
  },
  authorized: { expiresInMs: orNull(count) },
  subscribed: {
    id: text,
    channel: count,
    epoch: text,
    columns: byName(list(object({ name: text, type: text }))),
    resumed: oneOf('snapshot', 'batch'),
    reason: optional(oneOf('expired', 'epoch', 'smaller')),
  },
  batch: {
    channel: count,
    lower: orNull(frontier),
    upper: frontier,
    changes: byName(list(change)),
    held,
    part: optional(count),
    parts: optional(count),
  },
  progress: { channel: count, upper: frontier, hash: byName(text), held },
  status: { channel: count, state: oneOf('live', 'stale') },
  accepted: { id: text },
  archived: { id: text, timestamp: frontier },
  error: { id: optional(text), code: text, message: text, retryMs: optional(count) },
};

const BY_TYPE: ReadonlyMap<string, Fields> = new Map(Object.entries(MESSAGES));

/**
 * Reads what a server sent; null when this client does not know the type, which is to be ignored.
 *
 * @throws {MessageError} naming the field, what was expected and what came.
 */
export function parseServerMessage(data: string): ServerMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    throw new MessageError('', `expected a JSON object, got ${excerpt(data)}`);
  }
  const type = isObject(message) ? Reflect.get(message, 'type') : undefined;
  if (typeof type !== 'string') {
    throw new MessageError('type', `expected an object with a type, got ${excerpt(data)}`);
  }
  const fields = BY_TYPE.get(type);
  if (fields === undefined) return null;
  const wrong = wrongField(Object(message), fields);
  if (wrong !== undefined) {
    const got = excerpt(JSON.stringify(Reflect.get(Object(message), wrong)));
    throw new MessageError(`${type}.${wrong}`, `expected as in PROTOCOL.md, got ${got}`);
  }
  return message as ServerMessage;
}
