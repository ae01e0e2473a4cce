import type { ClientMessage, ServerMessage } from '../protocol/message.ts';

/**
 * A part of the conversation beside subscriptions, such as messages sent in. It lives as long as
 * its client, through any number of connections.
 */
export interface Talk {
  /** Whether an answer is awaited. */
  readonly busy: boolean;
  /** A connection stands: what is not answered yet is said (again). */
  connected(): void;
  /** Takes what belongs to no subscription; whether it was for this talk. */
  receive(message: ServerMessage): boolean;
  /** The client is closed for good. */
  close(): void;
}

/** Says something while a connection stands; else `Talk.connected` will have to. */
export type Say = (message: ClientMessage) => void;
