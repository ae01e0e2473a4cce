import type { CloseCode } from '../../protocol/close.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { ResumeToken } from './resume-token.ts';
import type { StreamFormat } from './stream-message.ts';

/** What a stream channel asks of a viewer's connection; none of it may throw. */
export interface StreamMember {
  readonly format: StreamFormat;
  /** Whether a snapshot marked `"snapshot": true` may take the place of what the viewer holds. */
  readonly replaceable: boolean;
  /** Sends to this viewer alone, in order with what it gets through the topic. */
  send(bytes: Uint8Array): void;
  /** What was sent and is not yet with the kernel, in bytes. */
  bufferedBytes(): number;
  /**
   * Enters the topic, or leaves it after what was published is on its way. Asked only of those
   * who take `message`s; others are sent live messages one by one.
   */
  enter(topic: string): void;
  leave(topic: string): void;
  /** Ends the connection. The seat is left already. */
  close(reason: CloseCode): void;
}

/** A viewer's place in a channel, given to its connection. */
export interface Seat {
  /** What the viewer holds once all that was sent has arrived; null before the first message. */
  readonly position: ResumeToken | null;
  /** The connection took bytes: perhaps a lagging viewer can catch up. */
  drained(): void;
  /** The connection is over. May be called more than once. */
  leave(): void;
}

/** A viewer that is behind. */
export interface Behind {
  /** What was sent and has, as far as the server knows, not arrived. */
  readonly bytes: number;
  /** Ends its connection; does nothing when the viewer has left. */
  readonly close: (reason: CloseCode) => void;
}

/** What a channel tells those who measure. */
export interface StreamObserver {
  /** A batch went out: its size, how many viewers it was for, and the frontier it reaches. */
  published(view: string, bytes: number, viewers: number, upper: Frontier): void;
  /** A viewer alone was sent something: its first message, or what it missed. */
  caughtUp(view: string, kind: 'batch' | 'snapshot', bytes: number): void;
}
