import type { CloseCode } from '../protocol/close.ts';
import type { Verdict } from './auth/authorizer.ts';
import { type AuthPort, ConnectionAuth, type ConnectionAuthParts } from './auth/connection-auth.ts';
import {
  type Grant,
  type Permission,
  permits,
  permitsTopic,
  stillPermits,
  type Where,
} from './auth/grant.ts';

/** What a session tells its viewer about its token. None of it may throw. */
export interface GuardPort {
  /** The token holds, for so many ms more (null: for good). Ends what it no longer permits. */
  authorized(expiresInMs: number | null): void;
  /** A fresh token could not be verified; the one before still holds. */
  unavailable(message: string, retryMs: number): void;
  /** A token does not hold, and why; {@link close} follows. */
  refused(message: string): void;
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

const tokenFirst: Permission = { kind: 'denied', reason: 'a token must come first' };

/** A connection's token as its session asks it. After the end nothing is permitted. */
export class ConnectionGuard implements Guard, AuthPort {
  readonly required: boolean;
  readonly #port: GuardPort;
  readonly #judged: (verdict: Verdict) => void;
  readonly #auth: ConnectionAuth;

  constructor(parts: ConnectionAuthParts, port: GuardPort, judged: (verdict: Verdict) => void) {
    this.required = parts.verifier !== null;
    this.#port = port;
    this.#judged = judged;
    this.#auth = new ConnectionAuth(parts, this);
  }

  present(token: string): void {
    this.#auth.present(token);
  }

  pass(bytes: number, run: () => void): 'ran' | 'held' | 'refused' {
    return this.#auth.pass(bytes, run);
  }

  permits(view: string, asked: Where | undefined): Permission {
    const { grant } = this.#auth;
    return grant === null ? tokenFirst : permits(grant, view, asked);
  }

  stillPermits(view: string, asked: Where | undefined, shown: Where | undefined): boolean {
    const { grant } = this.#auth;
    return grant !== null && stillPermits(grant, view, asked, shown);
  }

  permitsTopic(topic: string): boolean {
    const { grant } = this.#auth;
    return grant !== null && permitsTopic(grant, topic);
  }

  stop(): void {
    this.#auth.stop();
  }

  authorized(_grant: Grant, expiresInMs: number | null): void {
    this.#port.authorized(expiresInMs);
  }

  unavailable(message: string, retryMs: number): void {
    this.#port.unavailable(message, retryMs);
  }

  refused(message: string): void {
    this.#port.refused(message);
  }

  close(reason: CloseCode): void {
    this.#port.close(reason);
  }

  verdict(verdict: Verdict): void {
    this.#judged(verdict);
  }
}
