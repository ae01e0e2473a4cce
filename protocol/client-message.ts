import { BOUNDS, type ClientMessage } from './message.ts';
import { excerpt, MessageError } from './message-error.ts';
import { clientMessageSchema } from './schema.ts';
import { trapIn } from './trap.ts';

/**
 * Reads what a client sent. Safe for whatever comes: the size is bounded before parsing, depth and
 * the key `__proto__` are checked without recursion before anything walks the value.
 *
 * @throws {MessageError} and nothing else; the connection is then closed with 4002, or with 4009
 * when the message is too large, which the caller checks in bytes before.
 */
export function parseClientMessage(text: string): ClientMessage {
  if (text.length > BOUNDS.messageBytes) {
    throw new MessageError('', `expected at most ${BOUNDS.messageBytes} bytes, got ${text.length}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MessageError('', `expected a JSON object, got ${excerpt(text)}`);
  }
  refuseTraps(value);
  const result = clientMessageSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path ?? [];
  const got = path.reduce<unknown>(member, value);
  throw new MessageError(fieldName(path), `${issue?.message}, got ${excerpt(JSON.stringify(got))}`);
}

/** What stands under a key of a value just parsed; its own properties only. */
function member(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/**
 * Refuses what is nested too deep and the key `__proto__` in a value just parsed.
 *
 * @throws {MessageError} for either.
 */
export function refuseTraps(root: unknown): void {
  const trap = trapIn(root, BOUNDS.jsonDepth);
  if (trap !== null) throw new MessageError('', `expected ${trap}`);
}

function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
