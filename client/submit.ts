import type { Json } from '../protocol/update.ts';
import type { Client } from './client.ts';
import { Submission } from './submission.ts';
import { Submissions } from './submissions.ts';

/**
 * Sends a message in over a client's connection, at the pace that the server allows: again after
 * losses until it is answered, again for 10 s where the server asks for another try, and counted
 * once. What no server would take is rejected and not sent. A module of its own, since few pages
 * send anything.
 *
 * @param id a UUID, where the message has one already.
 * @throws {Error} when the client is closed.
 */
export function submit(
  client: Pick<Client, 'join'>,
  topic: string,
  value: Json,
  { id = uuid() }: { id?: string } = {},
): Submission {
  let all = submissions.get(client);
  if (all === undefined) {
    all = new Submissions();
    submissions.set(client, all);
  }
  return all.submit(client.join(all), new Submission(id, topic, value));
}

const submissions = new WeakMap<Pick<Client, 'join'>, Submissions>();

/** A random UUID also where `crypto.randomUUID` is missing: on pages without TLS. */
function uuid(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}
