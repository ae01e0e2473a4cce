import type { CloseCode } from '../protocol/close.ts';
import type { Verdict } from './auth/authorizer.ts';
import { ConnectionAuth, type ConnectionAuthParts } from './auth/connection-auth.ts';
import { type Permission, permits, permitsTopic, stillPermits, type Where } from './auth/grant.ts';

/** What a session tells its viewer about its token. None of it may throw. */
export interface GuardPort {
  /** The token holds, for so many ms more (null: for good). Ends what it no longer permits. */
  authorized(expiresInMs: number | null): void;
  /** A fresh token could not be verified; the one before still holds. */
  unavailable(message: string, retryMs: number): void;
  /** Ends the connection. */
  close(reason: CloseCode): void;
}

/** What decides what one session may do. */
export interface Guard {
  /** Whether a token must come first. */
  readonly required: boolean;
  /** A token came. */
  present(token: string): void;
  /**
   * Another message came, of so many bytes: it runs now, or when the token before it is verified;
   * before any token it is refused.
   */
  pass(bytes: number, run: () => void): 'ran' | 'held' | 'refused';
  /** Whether the view may be watched, and under which filter. */
  permits(view: string, asked: Where | undefined): Permission;
  /** Whether a subscription that shows `shown` for what was `asked` may go on. */
  stillPermits(view: string, asked: Where | undefined, shown: Where | undefined): boolean;
  permitsTopic(topic: string): boolean;
  /** The connection is over. */
  stop(): void;
}

/** A connection's token as its session asks it. After the end nothing is permitted. */
export function makeGuard(
  parts: ConnectionAuthParts,
  port: GuardPort,
  judged: (verdict: Verdict) => void,
): Guard {
  const auth = new ConnectionAuth(parts, {
    authorized: (_grant, expiresInMs) => port.authorized(expiresInMs),
    unavailable: (message, retryMs) => port.unavailable(message, retryMs),
    close: (reason) => port.close(reason),
    verdict: judged,
  });
  const none: Permission = { kind: 'denied', reason: 'a token must come first' };
  return {
    required: parts.verifier !== null,
    present: (token) => auth.present(token),
    pass: (bytes, run) => auth.pass(bytes, run),
    permits: (view, asked) => (auth.grant === null ? none : permits(auth.grant, view, asked)),
    stillPermits: (view, asked, shown) =>
      auth.grant !== null && stillPermits(auth.grant, view, asked, shown),
    permitsTopic: (topic) => auth.grant !== null && permitsTopic(auth.grant, topic),
    stop: () => auth.stop(),
  };
}
