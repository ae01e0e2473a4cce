import type { JsonObject } from '../../protocol/update.ts';
import type { Topic } from './topic.ts';

/** A message on its way in, whole. */
export interface Message {
  readonly id: string;
  readonly value: JsonObject;
}

/** What became of a message: it is safe, or one of that id was there before. */
export type Written = 'written' | 'existed';

/**
 * Whether messages can be written: perhaps, not now (nothing of them gets there), or never, as
 * this is no place for messages.
 */
export type SinkState =
  | { readonly kind: 'open' }
  | { readonly kind: 'away' | 'never'; readonly message: string };

/** Where messages are written to. */
export interface Sink {
  readonly state: SinkState;
  /**
   * Writes a message once, however often it is asked to. Resolves when the message survives
   * whatever happens to this process.
   *
   * @throws {SinkError} when that cannot be said: the message may be there or not.
   */
  write(topic: Topic, message: Message): Promise<Written>;
  /** Ends what it holds open; what is being written is given up. Idempotent. */
  close(): Promise<void>;
}

/** What messages are written to does not answer, or does not take this one. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
}
