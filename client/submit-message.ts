import { BOUNDS, type Limits, type Submit } from '../protocol/message.ts';
import { trapIn } from '../protocol/trap.ts';
import type { Json } from '../protocol/update.ts';
import { RefusedError } from './client.ts';

/** As servers read them: versions 1 to 8, and the two that are all 0 and all f. */
const UUID =
  /^(?:[\da-fA-F]{8}-[\da-fA-F]{4}-[1-8][\da-fA-F]{3}-[89abAB][\da-fA-F]{3}-[\da-fA-F]{12}|0{8}(?:-0{4}){3}-0{12}|f{8}(?:-f{4}){3}-f{12})$/;

/**
 * The message as it goes over the wire, whatever becomes of `value` later; or why no server would
 * take it: each would close the whole connection.
 */
export function submitMessage(id: string, topic: string, value: Json): Submit | RefusedError {
  if (typeof id !== 'string' || !UUID.test(id)) return bad(`id: expected a UUID, got "${id}"`);
  if (typeof topic !== 'string' || topic === '' || topic.length > BOUNDS.nameLength) {
    return bad(`topic: expected a text of 1 to ${BOUNDS.nameLength} characters, got "${topic}"`);
  }
  try {
    // What JSON cannot say, such as a function, has no text.
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) return bad(`value: expected JSON, got ${typeof value}`);
    return { type: 'submit', id, topic, value: JSON.parse(text) };
  } catch (error) {
    return bad(`value: expected JSON; ${error instanceof Error ? error.message : error}`);
  }
}

/** Why a message is more than its server takes; null when it is not. */
export function excess(
  message: Submit,
  { messageBytes, jsonDepth }: Pick<Limits, 'messageBytes' | 'jsonDepth'>,
): RefusedError | null {
  const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
  if (bytes > messageBytes) {
    return bad(`value: expected a message of at most ${messageBytes} bytes, got ${bytes}`);
  }
  // The message itself is a level.
  const fault = trapIn(message.value, jsonDepth - 1);
  return fault === null ? null : bad(`value: expected ${fault}`);
}

function bad(message: string): RefusedError {
  return new RefusedError({ code: 'bad_message', message });
}
