import { CLOSE, type CloseCode } from '../protocol/close.ts';
import type { Admission } from './admission.ts';
import { retryMsOf } from './admission-line.ts';
import type { Verdict } from './auth/authorizer.ts';
import { watchExpiry } from './auth/expiry.ts';
import { type Grant, openGrant, permitsTopic, permitsWhole } from './auth/grant.ts';
import type { HttpAuth } from './auth/http-token.ts';
import type { Clock } from './clock.ts';
import { drain } from './drain.ts';
import { errorReply, type Reply } from './reply.ts';
import type { Request } from './request.ts';

/** Why a request is not let in, and what it is answered. */
export interface DoorRefusal {
  readonly reason: string;
  readonly reply: Reply;
}

/** What somebody who is in may do. */
export interface Pass {
  /** Why all rows of the view may not be shown; null when they may. */
  forbidsView(view: string): DoorRefusal | null;
  /** Why messages may not be submitted to the topic; null when they may. */
  forbidsTopic(topic: string): DoorRefusal | null;
  /** A connection stands: it is closed when its token expires or the server stops. */
  opened(connection: Closable): void;
  /** It is over. May be called more than once. */
  over(connection: Closable): void;
}

/** A connection that may have to go. */
export interface Closable {
  /** Ends it: it is over when this returns. May be called more than once. */
  close(reason: CloseCode): void;
}

/** Who asks to be let in. One of the two is called, once: at once or later. */
export interface Entrant<Passed> {
  readonly admitted: (pass: Passed) => void;
  readonly refused: (refusal: DoorRefusal) => void;
}

export interface DoorParts {
  readonly admission: Admission;
  readonly auth: HttpAuth;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Told of each token's verdict. */
  readonly judged?: ((verdict: Verdict) => void) | undefined;
}

/** Where every connection and request comes in, and from where all are sent away at the end. */
export class Door {
  readonly #parts: DoorParts;
  readonly #open = new Set<Closable>();
  /** Where tokens are off: nothing is kept of each visitor. */
  readonly #everybody: Pass;
  #draining = false;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    this.#everybody = new GrantPass(this, openGrant, parts.clock);
  }

  /** Whether the server stops: nobody new is let in. */
  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Lets in a new connection whose token, if any, comes later, as with `ws /api/v1`. The returned
   * function withdraws it while it waits, and may be called more than once.
   */
  knock({ admitted, refused }: Entrant<void>): () => void {
    const { handshakes } = this.#parts.admission;
    return handshakes.enter({
      admitted: () => (this.#draining ? refused(this.#stopping()) : admitted()),
      refused: (retryMs) => refused(overloaded(retryMs)),
    });
  }

  /** Lets in a new connection that brings its token along; as {@link knock}. */
  enter(request: Request, { admitted, refused }: Entrant<Pass>): () => void {
    let waiting = true;
    const withdraw = this.knock({
      refused,
      admitted: () => {
        const judged = (result: Pass | DoorRefusal): void => {
          if (!waiting) return;
          if (isRefusal(result)) refused(result);
          else admitted(result);
        };
        const result = this.ask(request);
        if (result instanceof Promise) {
          result.then(judged, () => judged(overloaded(retryMsOf(this.#parts.random))));
        } else judged(result);
      },
    });
    return () => {
      waiting = false;
      withdraw();
    };
  }

  /** Judges a request that is answered and over; at once where tokens are off. Never rejects. */
  ask(request: Request): Pass | DoorRefusal | Promise<Pass | DoorRefusal> {
    const verdict = this.#parts.auth.judge(request);
    return verdict instanceof Promise
      ? verdict.then((later) => this.#decide(later))
      : this.#decide(verdict);
  }

  /** A connection stands, which is to be closed when the server stops; as {@link Pass.opened}. */
  opened(connection: Closable): void {
    this.#open.add(connection);
  }

  /** It is over. May be called more than once. */
  over(connection: Closable): void {
    this.#open.delete(connection);
  }

  /**
   * From now on nobody is let in; those who are in are sent away over `drainMs`, and then `done` is
   * called. The returned function calls that off.
   */
  drain(drainMs: number, done: () => void): () => void {
    this.#draining = true;
    const { clock, random } = this.#parts;
    return drain({ connections: () => this.#open, drainMs, clock, random, done });
  }

  #decide(verdict: Verdict): Pass | DoorRefusal {
    if (this.#parts.auth.required) this.#parts.judged?.(verdict);
    if (verdict.kind === 'granted') return this.#pass(verdict.grant);
    if (verdict.kind === 'unavailable') {
      const retryMs = retryMsOf(this.#parts.random);
      return refusal(503, 'unavailable', verdict.message, retryMs);
    }
    return unauthorized(verdict.message);
  }

  #pass(grant: Grant): Pass {
    if (grant === openGrant) return this.#everybody;
    return new GrantPass(this, grant, this.#parts.clock);
  }

  #stopping(): DoorRefusal {
    const message = 'the server is stopping; others, or its next, go on';
    return refusal(503, 'draining', message, retryMsOf(this.#parts.random));
  }
}

/** What a grant lets its bearer do, over one connection at most where the grant expires. */
class GrantPass implements Pass {
  readonly #door: Door;
  readonly #grant: Grant;
  readonly #clock: Clock;
  #unwatch: () => void = nothing;

  constructor(door: Door, grant: Grant, clock: Clock) {
    this.#door = door;
    this.#grant = grant;
    this.#clock = clock;
  }

  forbidsView(view: string): DoorRefusal | null {
    const permission = permitsWhole(this.#grant, view);
    return permission.kind === 'denied' ? refusal(403, 'forbidden', permission.reason) : null;
  }

  forbidsTopic(topic: string): DoorRefusal | null {
    if (permitsTopic(this.#grant, topic)) return null;
    return refusal(403, 'forbidden', `the token does not allow messages to ${topic}`);
  }

  opened(connection: Closable): void {
    this.#door.opened(connection);
    const { expiresAtMs } = this.#grant;
    if (expiresAtMs === null) return;
    this.#unwatch = watchExpiry(this.#clock, expiresAtMs, () =>
      connection.close(CLOSE.authExpired),
    );
  }

  over(connection: Closable): void {
    this.#door.over(connection);
    this.#unwatch();
  }
}

function nothing(): void {}

/** Whether it was refused. */
export const isRefusal = (result: Pass | DoorRefusal): result is DoorRefusal => 'reply' in result;

function refusal(status: number, reason: string, message: string, retryMs?: number): DoorRefusal {
  if (retryMs === undefined) return { reason, reply: errorReply(status, reason, message) };
  const headers = { 'Retry-After': String(Math.ceil(retryMs / 1_000)) };
  return { reason, reply: errorReply(status, reason, message, { retryMs }, headers) };
}

const overloaded = (retryMs: number): DoorRefusal =>
  refusal(503, 'overloaded', 'the server takes no more of these just now', retryMs);

function unauthorized(message: string): DoorRefusal {
  const headers = { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
  return {
    reason: 'unauthorized',
    reply: errorReply(401, 'unauthorized', message, {}, headers),
  };
}
