import type { ServerMessage } from '../protocol/message.ts';
import type { Json } from '../protocol/update.ts';
import { type Client, RefusedError } from './client.ts';
import { Submission } from './submission.ts';
import type { Say, Talk } from './talk.ts';

/**
 * Sends a message in over a client's connection; sent again after losses until it is answered, and
 * counted once. A module of its own, since few pages send anything.
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
  all.say = client.join(all);
  return all.submit(new Submission(id, topic, value));
}

const submissions = new WeakMap<Pick<Client, 'join'>, Submissions>();

/** What one client has sent in and has not been answered yet. */
class Submissions implements Talk {
  readonly #open = new Map<string, Submission>();
  say: Say = () => {};

  get busy(): boolean {
    return this.#open.size > 0;
  }

  submit(submission: Submission): Submission {
    this.#open.set(submission.id, submission);
    this.say(submission.message());
    return submission;
  }

  connected(): void {
    for (const submission of this.#open.values()) this.say(submission.message());
  }

  receive(message: ServerMessage): boolean {
    if (!('id' in message) || message.id === undefined) return false;
    const submission = this.#open.get(message.id);
    if (submission === undefined) return false;
    if (message.type === 'accepted') {
      submission.accept();
      return true;
    }
    this.#open.delete(message.id);
    if (message.type === 'archived') submission.archive(message.timestamp);
    if (message.type === 'error') submission.refuse(new RefusedError(message));
    return true;
  }

  close(): void {
    const error = new RefusedError({ code: 'unavailable', message: 'the client was closed' });
    for (const submission of this.#open.values()) submission.refuse(error);
    this.#open.clear();
  }
}

/** A random UUID also where `crypto.randomUUID` is missing: on pages without TLS. */
function uuid(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}
