import type { ServerMessage } from './message.ts';
import { excerpt, MessageError } from './message-error.ts';

/**
 * The client's side of the messages, by hand and without the schemas' library: a browser loads
 * this. A test holds it against the schemas.
 */

/** What a field must be: said for people, and tested. */
type Field = readonly [expected: string, accepts: (value: unknown) => boolean];

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isCount = (value: unknown): boolean => isInteger(value) && value >= 0;
const isFrontier = (value: unknown): boolean => value === 'end' || isCount(value);

const integer: Field = ['an integer from 0', isCount];
const frontier: Field = ['a frontier', isFrontier];
const text: Field = ['a text', (value) => typeof value === 'string'];
const oneOf = (...values: readonly unknown[]): Field => [
  values.join(' or '),
  (value) => values.includes(value),
];
const optional = ([expected, accepts]: Field): Field => [
  `${expected}, or absent`,
  (value) => value === undefined || accepts(value),
];
const orNull = ([expected, accepts]: Field): Field => [
  `${expected}, or null`,
  (value) => value === null || accepts(value),
];
const list = ([expected, accepts]: Field): Field => [
  `a list of ${expected}`,
  (value) => Array.isArray(value) && value.every(accepts),
];
const byName = ([expected, accepts]: Field): Field => [
  `an object of ${expected}`,
  (value) => isObject(value) && Object.values(value).every(accepts),
];
const object = (fields: Readonly<Record<string, Field>>): Field => [
  `{${Object.keys(fields).join(', ')}}`,
  (value) =>
    isObject(value) &&
    Object.entries(fields).every(([name, [, accepts]]) => accepts(Reflect.get(value, name))),
];

const change: Field = [
  '[diff, row]',
  (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    isInteger(value[0]) &&
    value[0] !== 0 &&
    Array.isArray(value[1]),
];
const held = optional(byName(frontier));
const count = integer;

const MESSAGES: Readonly<Record<ServerMessage['type'], Readonly<Record<string, Field>>>> = {
  hello: {
    protocol: integer,
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
    channel: integer,
    epoch: text,
    columns: byName(list(object({ name: text, type: text }))),
    resumed: oneOf('snapshot', 'batch'),
    reason: optional(oneOf('expired', 'epoch', 'smaller')),
  },
  batch: {
    channel: integer,
    lower: orNull(frontier),
    upper: frontier,
    changes: byName(list(change)),
    held,
    part: optional(integer),
    parts: optional(integer),
  },
  progress: { channel: integer, upper: frontier, hash: byName(text), held },
  status: { channel: integer, state: oneOf('live', 'stale') },
  accepted: { id: text },
  archived: { id: text, timestamp: frontier },
  error: { id: optional(text), code: text, message: text, retryMs: optional(count) },
};

const BY_TYPE: ReadonlyMap<string, Readonly<Record<string, Field>>> = new Map(
  Object.entries(MESSAGES),
);

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
  for (const [name, [expected, accepts]] of Object.entries(fields)) {
    const value = Reflect.get(Object(message), name);
    if (!accepts(value)) {
      const got = excerpt(JSON.stringify(value));
      throw new MessageError(`${type}.${name}`, `expected ${expected}, got ${got}`);
    }
  }
  return message as ServerMessage;
}
