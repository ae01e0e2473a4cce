import type { CloseCode } from '../../protocol/close.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { Held, Position } from './position.ts';

/** What a channel of `ws /api/v1` asks of a viewer's connection; none of it may throw. */
export interface BatchMember {
  send(bytes: Uint8Array): void;
  /** What was sent and is not yet with the kernel, in bytes. */
  bufferedBytes(): number;
  enter(topic: string): void;
  /** Leaves after what was published is on its way. */
  leave(topic: string): void;
  /** The subscription has ended, as its view is gone. The seat is left already. */
  ended(): void;
  close(reason: CloseCode): void;
}

/** What a viewer says it holds (`subscribe.from`). */
export interface HeldPoint {
  readonly epoch: string;
  readonly timestamp: Frontier;
  readonly held?: Held;
}

/** The point as a position of the epoch that it names. */
export const positionOf = ({ timestamp, held = {} }: HeldPoint): Position => ({
  frontier: timestamp,
  held,
});

/** A subscription's place in a channel. */
export interface BatchSeat {
  /** The channel's number, which is another one when an epoch ends. */
  readonly channel: number;
  /** Whether what it missed, or the snapshot, is still being sent. */
  readonly catchingUp: boolean;
  /** All up to `upper` has been applied (`ack`). */
  acknowledged(upper: Frontier): void;
  /** The connection took bytes. */
  drained(): void;
  /** Calls `run` once, when the viewer has been sent all up to the frontier, or has left. */
  whenShown(frontier: Frontier, run: () => void): void;
  /** May be called more than once. */
  leave(): void;
}
