import type { CloseCode } from '../../protocol/close.ts';
import type { ErrorCode, Limits, ResumePoint, ViewRequest } from '../../protocol/message.ts';
import type { Frontier } from '../../protocol/update.ts';

/** What a session offers a channel as one of its viewers. */
export interface SessionMember {
  send(bytes: Uint8Array): void;
  bufferedBytes(): number;
  enter(topic: string): void;
  leave(topic: string): void;
  ended(): void;
  close(reason: CloseCode): void;
}

/** A subscription's place in a channel. */
export interface SessionSeat {
  readonly channel: number;
  acknowledged(upper: Frontier): void;
  drained(): void;
  leave(): void;
}

/** A channel as a session asks it; `hydrating` and `ahead` mean: perhaps in a moment. */
export interface SessionChannel {
  readonly number: number;
  join(
    member: SessionMember,
    id: string,
    from: ResumePoint | undefined,
  ): SessionSeat | 'hydrating' | 'ahead';
}

/** Where channels come from; fulfilled by shape. */
export interface ChannelSource {
  get(
    views: readonly ViewRequest[],
    everyMs: number,
  ): SessionChannel | { readonly code: ErrorCode; readonly message: string };
}

/** The connection under a session; none of it may throw. */
export interface Connection {
  send(bytes: Uint8Array | string): void;
  bufferedBytes(): number;
  enter(topic: string): void;
  /** Leaves after what was published is on its way. */
  leave(topic: string): void;
  close(reason: CloseCode): void;
}

export interface SessionParts {
  readonly source: ChannelSource;
  readonly nowMs: () => number;
  /** Runs `run` after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly limits: Limits;
  /** The longest silence while something is subscribed, in ms. */
  readonly quietMs: number;
}
