import type { ClientMessage, Hello, ServerMessage } from '../protocol/message.ts';
import type { RefusedError } from './refused-error.ts';

/**
 * A part of the conversation beside subscriptions, such as messages sent in. It lives as long as
 * its client, through any number of connections.
 */
export interface Talk {
  /** Whether an answer is awaited. */
  readonly busy: boolean;
  /**
   * A connection stands, and so the server greeted: what is not answered yet is said (again). Told
   * again of the newest greeting whenever the talk joins.
   */
  connected(hello: Hello): void;
  /** Takes what belongs to no subscription; whether this talk was done what it asked for. */
  receive(message: ServerMessage): boolean;
  /** The client is closed for good; `error` says why, where that was not asked for. */
  close(error?: RefusedError): void;
}

/** What a talk has of its client. */
export interface Voice {
  /** Says something while a connection stands; else `Talk.connected` will have to. */
  say(message: ClientMessage): void;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
}
