import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import type { Clock } from '../clock.ts';
import { type Effect, type Event, next, type State } from './auth-state.ts';
import type { Verdict } from './authorizer.ts';
import { watchExpiry } from './expiry.ts';
import { type Grant, openGrant } from './grant.ts';
import { Held } from './held.ts';

/** What a connection offers: how its viewer is told. None of it may throw. */
export interface AuthPort {
  /**
   * The grant holds from now on; `authorized` is to be sent, and what the grant no longer permits
   * is to be ended, before this returns. `expiresInMs` is null for never.
   */
  authorized(grant: Grant, expiresInMs: number | null): void;
  /** A fresh token could not be verified; the grant before it still holds. */
  unavailable(message: string, retryMs: number): void;
  /** A token does not hold, and why; {@link close} follows. */
  refused(message: string): void;
  /** Ends the connection; nothing may be sent after it. */
  close(reason: CloseCode): void;
  /** For metrics and logs. */
  verdict(verdict: Verdict): void;
}

/** What verifies tokens; {@link Authorizer} does. It never rejects. */
export interface Verifier {
  verify(token: string): Promise<Verdict>;
}

export interface ConnectionAuthParts {
  /** Null where tokens are off: everybody may everything. */
  readonly verifier: Verifier | null;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A token must come and be verified within so long, in ms. */
export const AUTH_DEADLINE_MS = 5_000;

function nothing(): void {}

/** Who cannot be verified just now is asked to come again after 1 to 5 s. */
const retryMsOf = (random: () => number): number => Math.round(1_000 + 4_000 * random());

/**
 * One connection's token, from its first message to its end. Until {@link stop} or a close it holds
 * one timer at most; whatever is verified later than that changes nothing.
 */
export class ConnectionAuth {
  readonly #parts: ConnectionAuthParts;
  readonly #port: AuthPort;
  #state: State = 'waiting';
  #grant: Grant | null = null;
  /** What waits for the first token to be verified; null when nothing does. */
  #held: Held | null = null;
  #cancelTimer = nothing;
  /** Counts tokens: only the newest one's verdict counts. */
  #presented = 0;

  constructor(parts: ConnectionAuthParts, port: AuthPort) {
    this.#parts = parts;
    this.#port = port;
    if (parts.verifier === null) {
      this.#state = 'granted';
      this.#grant = openGrant;
    } else {
      this.#cancelTimer = parts.clock.after(AUTH_DEADLINE_MS, () => this.#happen('late'));
    }
  }

  /** What the viewer may do now; null before its token is verified and after the end. */
  get grant(): Grant | null {
    return this.#grant;
  }

  /** A token came (`auth`). */
  present(token: string): void {
    const { verifier } = this.#parts;
    if (verifier === null) {
      this.#port.authorized(openGrant, null);
      return;
    }
    if (this.#state === 'closed') return;
    this.#presented += 1;
    const own = this.#presented;
    this.#happen('token');
    verifier.verify(token).then(
      (verdict) => this.#judged(own, verdict),
      (cause: unknown) => {
        const message = 'tokens cannot be verified just now';
        this.#judged(own, { kind: 'unavailable', message, cause });
      },
    );
  }

  /**
   * Another message came, of so many bytes. With a grant it runs at once; while the first token is
   * being verified it waits its turn; before any token it is refused, which the caller answers.
   */
  pass(bytes: number, run: () => void): 'ran' | 'held' | 'refused' {
    if (this.#grant !== null) {
      run();
      return 'ran';
    }
    if (this.#state !== 'verifying') return 'refused';
    this.#held ??= new Held();
    if (!this.#held.add(bytes, run)) this.#end(CLOSE.rate);
    return 'held';
  }

  /** The connection is over. May be called more than once. */
  stop(): void {
    this.#happen('gone');
  }

  #judged(own: number, verdict: Verdict): void {
    if (this.#state === 'closed' || own !== this.#presented) return;
    this.#port.verdict(verdict);
    this.#happen(verdict.kind, verdict);
  }

  #happen(event: Event, verdict?: Verdict): void {
    const [state, effect] = next(this.#state, event);
    this.#state = state;
    this.#act(effect, verdict);
  }

  #act(effect: Effect, verdict: Verdict | undefined): void {
    switch (effect) {
      case 'none':
        break;
      case 'adopt':
        if (verdict?.kind === 'granted') this.#adopt(verdict.grant);
        break;
      case 'say-unavailable':
        if (verdict?.kind !== 'unavailable') break;
        this.#port.unavailable(verdict.message, retryMsOf(this.#parts.random));
        break;
      case 'close-late':
        this.#end(CLOSE.authTimeout);
        break;
      case 'close-refused':
        if (verdict?.kind === 'refused') this.#port.refused(verdict.message);
        this.#end(CLOSE.authExpired);
        break;
      case 'close-unavailable':
        this.#end({ ...CLOSE.overloaded, retryMs: retryMsOf(this.#parts.random) });
        break;
      case 'forget':
        this.#forget();
        break;
    }
  }

  #adopt(grant: Grant): void {
    const { clock } = this.#parts;
    this.#cancelTimer();
    this.#cancelTimer = nothing;
    this.#grant = grant;
    const { expiresAtMs } = grant;
    const leftMs = expiresAtMs === null ? null : Math.max(0, Math.ceil(expiresAtMs - clock.now()));
    this.#port.authorized(grant, leftMs);
    // What the port did, or what was held, may have ended the connection.
    const held = this.#held;
    this.#held = null;
    held?.run(() => this.#grant === grant);
    if (this.#grant !== grant) return;
    this.#cancelTimer = watchExpiry(clock, expiresAtMs, () => this.#happen('expired'));
  }

  #end(reason: CloseCode): void {
    this.#state = 'closed';
    this.#forget();
    this.#port.close(reason);
  }

  #forget(): void {
    this.#cancelTimer();
    this.#cancelTimer = nothing;
    this.#grant = null;
    this.#held = null;
  }
}
