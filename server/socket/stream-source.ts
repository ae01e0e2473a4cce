import type { CloseCode } from '../../protocol/close.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { Request } from '../request.ts';
import type { Refusal } from './refusal.ts';

/** A position in a stream, as PROTOCOL.md's resume tokens say it. */
export interface Position {
  readonly epoch: string;
  readonly frontier: Frontier;
}

/** What a connection offers the channel that it joins; the channel stage names the same. */
export interface StreamMember {
  readonly format: 'message' | 'line' | 'event';
  /** Whether a message marked `"snapshot": true` may replace what the viewer holds. */
  readonly replaceable: boolean;
  send(bytes: Uint8Array): void;
  bufferedBytes(): number;
  enter(topic: string): void;
  leave(topic: string): void;
  close(reason: CloseCode): void;
}

/** A viewer's place in a channel. */
export interface Seat {
  readonly position: Position | null;
  drained(): void;
  leave(): void;
}

/** What stream connections ask of the channels; fulfilled by shape. */
export interface StreamSource {
  /** Undefined when no view of that name can be watched now. */
  get(name: string): { join(member: StreamMember, from?: Position | null): Seat } | undefined;
  names(): readonly string[];
  /** Whether the list of views is known: until it is, any name may yet be one. */
  readonly known: boolean;
}

/** What stream connections report to those who measure. */
export interface ConnectionObserver {
  /** A stream of this kind began (1) or ended (−1). */
  connections(kind: 'session' | 'websocket' | 'sse' | 'http', change: 1 | -1): void;
  /** A connection ended with this code; 1006 where none could be sent. */
  closed(code: number): void;
  /** A request was refused before it became a connection. */
  refused(reason: string): void;
  /** The library dropped a message: a gap, after which it closes the connection. */
  dropped(): void;
}

/** What somebody who was let in may do; the door names the same. */
export interface Pass {
  /** Why the view may not be watched; null when it may. */
  forbidsView(view: string): Refusal | null;
  /** Why messages may not be submitted to the topic; null when they may. */
  forbidsTopic(topic: string): Refusal | null;
  /** A connection stands: it is closed when it has to end. */
  opened(connection: Closable): void;
  /** It is over. May be called more than once. */
  over(connection: Closable): void;
}

/** A connection that may have to go. */
export interface Closable {
  /** Ends it: it is over when this returns. May be called more than once. */
  close(reason: CloseCode): void;
}

/** Connections that give a sign of life once in a while, when they are told to. */
export interface StreamHeartbeat {
  add(connection: Living): void;
  /** May be called more than once. */
  remove(connection: Living): void;
}

export interface Living {
  signOfLife(): void;
}

/** Who asks for one of the places of those who are sent their first message. */
export interface Applicant {
  /** `leave` gives the place up, and may be called more than once. */
  readonly admitted: (leave: () => void) => void;
  readonly refused: (retryMs: number) => void;
}

/** All that the stream connections need from outside. */
export interface StreamParts {
  readonly source: StreamSource;
  readonly observer: ConnectionObserver;
  readonly nowMs: () => number;
  /** Reads a resume token's text; null when it is none. */
  readonly parseToken: (text: string) => Position | null;
  readonly formatToken: (position: Position) => string;
  /** Null when the Origin may not use this server. The headers go into the answer. */
  readonly admitOrigin: (
    headers: ReadonlyMap<string, string>,
  ) => Readonly<Record<string, string>> | null;
  /** Lets a connection in, or null when its address has as many as it may. */
  readonly admitConnection: (
    peer: string,
    headers: ReadonlyMap<string, string>,
  ) => (() => void) | null;
  /**
   * Lets a new connection in, or refuses it, at once or later. The returned function withdraws it
   * and may be called more than once.
   */
  readonly enter: (
    request: Request,
    entrant: {
      readonly admitted: (pass: Pass) => void;
      readonly refused: (refusal: Refusal) => void;
    },
  ) => () => void;
  /**
   * Asks for a place to be sent a first message: what was missed, or the snapshot. The returned
   * function withdraws who waits, or gives the place up.
   */
  readonly takePlace: (resuming: boolean, applicant: Applicant) => () => void;
  /** Runs what completes a handshake, in the turn of its request or later. */
  readonly corked: (run: () => void) => void;
  /** Limits what each viewer may say. */
  readonly messageRate: RateLimit;
  readonly limits: ConnectionLimits;
}

export interface ConnectionLimits {
  /** One message from a viewer, in bytes. */
  readonly messageBytes: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  /** The library's own limit of what it buffers for one connection, in bytes. */
  readonly fuseBytes: number;
  /** A first message is on its way while so much of it is buffered, in bytes. */
  readonly placeBytes: number;
  /** A WebSocket that answers no ping for so long is closed; seconds, a multiple of 4. */
  readonly idleSeconds: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  messageBytes: 16_384,
  messagesPerSecond: 20,
  messageBurst: 40,
  fuseBytes: 1024 * 1024,
  placeBytes: 64 * 1024,
  idleSeconds: 60,
};
