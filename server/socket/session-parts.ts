import type { CloseCode } from '../../protocol/close.ts';
import type {
  ErrorCode,
  Limits,
  ResumePoint,
  Submit,
  ViewRequest,
} from '../../protocol/message.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { RateLimit } from '../rate-limit.ts';

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
  /** Whether what it missed, or the snapshot, is still being sent. */
  readonly catchingUp: boolean;
  acknowledged(upper: Frontier): void;
  drained(): void;
  /** Calls `run` once, when all up to the frontier has been sent, or the seat was left. */
  whenShown(frontier: Frontier, run: () => void): void;
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
  /** Whose it is: the peer's address, or the one that a trusted proxy speaks for. */
  readonly address: string;
  send(bytes: Uint8Array | string): void;
  bufferedBytes(): number;
  enter(topic: string): void;
  /** Leaves after what was published is on its way. */
  leave(topic: string): void;
  close(reason: CloseCode): void;
}

/** A filter on one view's rows. */
export type Filter = ViewRequest['where'];

/** What a session tells its viewer about its token. */
export interface GuardPort {
  authorized(expiresInMs: number | null): void;
  unavailable(message: string, retryMs: number): void;
  refused(message: string): void;
  close(reason: CloseCode): void;
}

/** What decides what one session may do; fulfilled by shape. */
export interface Guard {
  /** Whether a token must come first. */
  readonly required: boolean;
  present(token: string): void;
  /** Runs a message of so many bytes now or when the token before it is verified, or refuses it. */
  pass(bytes: number, run: () => void): 'ran' | 'held' | 'refused';
  permits(
    view: string,
    asked: Filter,
  ):
    | { readonly kind: 'permitted'; readonly where: Filter }
    | { readonly kind: 'denied'; readonly reason: string };
  stillPermits(view: string, asked: Filter, shown: Filter): boolean;
  permitsTopic(topic: string): boolean;
  stop(): void;
}

/** What a session is told of a message that it submitted; may be at once. */
export interface SubmissionListener {
  accepted(): void;
  archived(timestamp: Frontier): void;
  refused(refusal: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly retryMs?: number;
  }): void;
}

/** Takes a message in, from an address; the returned function ends the listening. */
export type TakeMessage = (
  message: Pick<Submit, 'topic' | 'id' | 'value'>,
  address: string,
  listener: SubmissionListener,
) => () => void;

export interface SessionParts {
  /** Limits of what each connection may say; acknowledgements are cheap, and limited apart. */
  readonly messageRate: RateLimit;
  readonly ackRate: RateLimit;
  readonly submit: TakeMessage;
  readonly source: ChannelSource;
  /** Makes what guards one connection. */
  readonly guard: (port: GuardPort) => Guard;
  /** As of the streams: a place to be sent what was missed, or the snapshot. */
  readonly takePlace: (
    resuming: boolean,
    applicant: {
      readonly admitted: (leave: () => void) => void;
      readonly refused: (retryMs: number) => void;
    },
  ) => () => void;
  readonly nowMs: () => number;
  /** Runs `run` after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly limits: Limits;
  /** The longest silence while something is subscribed, in ms. */
  readonly quietMs: number;
}
