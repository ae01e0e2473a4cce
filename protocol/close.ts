import type { Reconnect } from './close-advice.ts';

/** One way in which a server ends a connection. */
export interface CloseCode {
  readonly code: number;
  readonly name: string;
  readonly reconnect: Reconnect;
  /** The shortest wait, in milliseconds, that the reason names. */
  readonly retryMs: number;
  /** What happened, for people. */
  readonly meaning: string;
}

const closing = (
  code: number,
  name: string,
  reconnect: Reconnect,
  retryMs: number,
  meaning: string,
): CloseCode => ({ code, name, reconnect, retryMs, meaning });

/** Every close code of the server's own (PROTOCOL.md, "Closing"). */
export const CLOSE = {
  draining: closing(4001, 'draining', 'wait', 0, 'the server stops; others, or its next, go on'),
  badMessage: closing(4002, 'bad_message', 'no', 0, 'a message broke the protocol'),
  authExpired: closing(4003, 'auth_expired', 'token', 0, 'the token expired or was refused'),
  authTimeout: closing(4004, 'auth_timeout', 'token', 1_000, 'no token came within 5 s'),
  lagging: closing(4008, 'lagging', 'wait', 1_000, 'the viewer lagged for longer than 60 s'),
  tooLarge: closing(4009, 'too_large', 'no', 0, 'a message was larger than the limit'),
  viewGone: closing(4010, 'view_gone', 'wait', 5_000, 'the view of this stream was dropped'),
  internal: closing(4011, 'internal', 'wait', 1_000, 'the server made a mistake'),
  tooManyConnections: closing(
    4012,
    'too_many_connections',
    'wait',
    10_000,
    'the address has as many connections as it may',
  ),
  overloaded: closing(4013, 'overloaded', 'wait', 1_000, 'the server takes no more connections'),
  rate: closing(4029, 'rate', 'wait', 5_000, 'messages came faster than the limit'),
} as const satisfies Readonly<Record<string, CloseCode>>;

/**
 * The reason text of a close frame: the name, and how long to stay away, such as
 * `draining retryMs=1200`. Well below the 123 bytes of RFC 6455 §5.5.1.
 *
 * @param retryMs in place of the code's own shortest wait; 0 names none.
 */
export function closeReason(close: CloseCode, retryMs: number = close.retryMs): string {
  return retryMs === 0 ? close.name : `${close.name} retryMs=${Math.ceil(retryMs)}`;
}
