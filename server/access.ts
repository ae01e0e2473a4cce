import {
  type Admission,
  type AdmissionLimits,
  defaultAdmissionLimits,
  makeAdmission,
} from './admission.ts';
import type { Verdict } from './auth/authorizer.ts';
import type { Verifier } from './auth/connection-auth.ts';
import { HttpAuth } from './auth/http-token.ts';
import { type Clock, machineClock } from './clock.ts';
import { Door } from './door.ts';

/** Who is let in, and how many at once. */
export interface AccessOptions {
  /** What verifies tokens; null (the default) where everybody may everything. */
  readonly verifier?: Verifier | null | undefined;
  /** How long a token in an address may be valid, in seconds; 0 (the default): none may be there. */
  readonly querySeconds?: number | undefined;
  readonly limits?: AdmissionLimits | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

/** Told of what is refused. */
export interface AccessObserver {
  /** A place or a handshake was refused at this gate. */
  gateRefused(gate: string): void;
  /** A token was granted, refused or could not be judged. */
  judged(verdict: Verdict): void;
}

/** All that decides who comes in. */
export interface Access {
  readonly door: Door;
  readonly admission: Admission;
  /** What each session's `ConnectionAuth` needs. */
  readonly verifier: Verifier | null;
  readonly clock: Clock;
  readonly random: () => number;
}

export function makeAccess(options: AccessOptions, observer: AccessObserver): Access {
  const { verifier = null, querySeconds = 0, limits = defaultAdmissionLimits } = options;
  const { clock = machineClock, random = Math.random } = options;
  const admission = makeAdmission({
    clock,
    random,
    limits,
    refused: (gate) => observer.gateRefused(gate),
  });
  const auth = new HttpAuth({ verifier, clock, querySeconds });
  const door = new Door({
    admission,
    auth,
    clock,
    random,
    judged: (verdict) => observer.judged(verdict),
  });
  return { door, admission, verifier, clock, random };
}
