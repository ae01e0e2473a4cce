import type { ErrorMessage, ServerMessage, Submit, Subscribe } from '../protocol/message.ts';
import { serverMessageSchema } from '../protocol/schema.ts';
import { Rule } from './rule.ts';
import { type Holding, Track } from './track.ts';

/** Types of this version; others are to be ignored. */
const TYPES = new Set(
  'hello authorized subscribed batch progress status accepted archived error'.split(' '),
);

/**
 * Watches all that a server says on one connection, in order, against what was asked: whatever a
 * check is about, every other rule is held to as well.
 */
export class Watch {
  readonly #tracks = new Map<string, Track>();
  /** Channels whose subscription has ended: messages may still be on their way. */
  readonly #left = new Set<number>();
  readonly #submitted = new Map<string, 'sent' | 'accepted' | 'archived'>();
  #greeted = false;
  #auths = 0;

  /** A subscription is asked for; `seed` is what its `from` names. */
  asked(request: Subscribe, seed?: Holding): Track {
    const track = new Track(request, seed);
    if (!this.#tracks.has(request.id)) this.#tracks.set(request.id, track);
    return track;
  }

  submitted({ id }: Submit): void {
    this.#submitted.set(id, 'sent');
  }

  authorizing(): void {
    this.#auths += 1;
  }

  /** A subscription has ended. */
  left(id: string): void {
    const channel = this.#tracks.get(id)?.channel;
    if (channel !== undefined) this.#left.add(channel);
    this.#tracks.delete(id);
  }

  /** Reads a text; null for a type to be ignored. @throws {Rule} */
  take(text: string): ServerMessage | null {
    const value = parse(text);
    const type: unknown = Reflect.get(value, 'type');
    if (typeof type !== 'string') throw new Rule('Messages', 'an object with a type', text);
    if (!TYPES.has(type)) return null;
    const result = serverMessageSchema.safeParse(value);
    if (!result.success) {
      const [issue] = result.error.issues;
      throw new Rule(type, `${issue?.message} at ${issue?.path.join('.')}`, text);
    }
    this.#happen(result.data);
    return result.data;
  }

  #happen(message: ServerMessage): void {
    if (message.type === 'hello') {
      Rule.expect('hello', 'it once', !this.#greeted, message);
      this.#greeted = true;
      return;
    }
    Rule.expect('hello', 'it first', this.#greeted, message);
    switch (message.type) {
      case 'subscribed':
        this.#subscribed(message);
        break;
      case 'batch':
        this.#track(message)?.batch(message);
        break;
      case 'progress':
        this.#track(message)?.progress(message);
        break;
      case 'status': {
        const track = this.#track(message);
        const begun = track === undefined || track.frontier !== null;
        Rule.expect('S3', 'the first batch before anything else', begun, message);
        break;
      }
      case 'authorized':
        Rule.expect('authorized', 'one after each `auth`', this.#auths > 0, message);
        this.#auths -= 1;
        break;
      case 'accepted':
      case 'archived':
        this.#submission(message);
        break;
      case 'error':
        this.#error(message);
    }
  }

  #subscribed(message: Extract<ServerMessage, { type: 'subscribed' }>): void {
    const track = this.#tracks.get(message.id);
    if (track === undefined) {
      // An unsubscribe may have crossed it.
      this.#left.add(message.channel);
      return;
    }
    const others = [...this.#tracks.values()].filter((one) => one !== track);
    const taken = others.some(({ channel }) => channel === message.channel);
    Rule.expect('subscribed', 'a channel of its own on the connection', !taken, message);
    const before = track.channel;
    if (before !== undefined && before !== message.channel) this.#left.add(before);
    this.#left.delete(message.channel);
    track.begin(message);
  }

  #track(message: { readonly channel: number }): Track | undefined {
    const track = [...this.#tracks.values()].find(({ channel }) => channel === message.channel);
    const known = track !== undefined || this.#left.has(message.channel);
    Rule.expect('S3', '`subscribed` before anything of its channel', known, message);
    return track;
  }

  #submission({ id, type }: { readonly id: string; readonly type: 'accepted' | 'archived' }): void {
    const state = this.#submitted.get(id);
    Rule.expect(type, 'the id of a submitted message', state !== undefined, id);
    if (type === 'archived') {
      Rule.expect('S5', '`accepted` before `archived`', state === 'accepted', state);
    }
    this.#submitted.set(id, type);
  }

  #error(message: ErrorMessage): void {
    const { id, retryMs } = message;
    Rule.expect('error', 'a message for people', message.message !== '', message);
    if (id === undefined) return;
    Rule.expect('error', 'a wait of 5 min at most', (retryMs ?? 0) <= 300_000, retryMs);
    this.#submitted.delete(id);
    this.left(id);
  }
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, as for all else that is no object.
  }
  throw new Rule('Messages', 'a JSON object', text);
}
