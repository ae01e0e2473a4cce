import { errors, type JWTPayload, jwtVerify } from 'jose';
import { BOUNDS } from '../../protocol/message.ts';
import type { Clock } from '../clock.ts';
import { ClaimsError, readClaims } from './claims.ts';
import { LEEWAY_MS } from './expiry.ts';
import type { Grant } from './grant.ts';
import { type KeySource, KeysUnavailable } from './keys.ts';

/** Why a token is refused; for metrics. */
export type RefusalReason = 'expired' | 'malformed' | 'signature' | 'claims';

/** What became of a token. */
export type Verdict =
  | { readonly kind: 'granted'; readonly grant: Grant }
  /** `message` may be told to the bearer: it holds nothing that the token does not. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly message: string }
  /** The keys cannot be had; the same token may hold later. `cause` is for the log. */
  | { readonly kind: 'unavailable'; readonly message: string; readonly cause: unknown };

/** What tokens must be. */
export interface TokenRules {
  readonly keys: KeySource;
  /** What `iss` must be; null for whatever is there. */
  readonly issuer: string | null;
  /** What `aud` must name; null: a token that names an audience is meant for another server. */
  readonly audience: string | null;
  /** The claim that holds the rights. */
  readonly claim: string;
}

/** Verifies tokens: JWTs, signed (RFC 7519, RFC 8725). */
export class Authorizer {
  readonly #rules: TokenRules;
  readonly #clock: Clock;

  constructor(rules: TokenRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Never rejects. No claim is looked at before the signature holds. */
  async verify(token: string): Promise<Verdict> {
    if (token.length > BOUNDS.tokenLength) {
      const message = `expected a token of at most ${BOUNDS.tokenLength} characters`;
      return { kind: 'refused', reason: 'malformed', message };
    }
    try {
      const payload = await this.#verified(token);
      this.#checkAudience(payload);
      return { kind: 'granted', grant: readClaims(payload, this.#rules.claim) };
    } catch (error) {
      return verdictOf(error);
    }
  }

  async #verified(token: string): Promise<JWTPayload> {
    const { keys, issuer, audience } = this.#rules;
    const { payload } = await jwtVerify(token, keys.find, {
      algorithms: [...keys.algorithms],
      clockTolerance: LEEWAY_MS / 1_000,
      currentDate: new Date(this.#clock.now()),
      ...(issuer === null ? {} : { issuer }),
      ...(audience === null ? {} : { audience }),
    });
    return payload;
  }

  /** RFC 7519 §4.1.3: who does not find itself in `aud` refuses the token. */
  #checkAudience(payload: JWTPayload): void {
    if (this.#rules.audience === null && payload.aud !== undefined) {
      throw new ClaimsError('expected no aud: this server has no audience configured');
    }
  }
}

function verdictOf(error: unknown): Verdict {
  const refused = (reason: RefusalReason, message: string): Verdict => ({
    kind: 'refused',
    reason,
    message,
  });
  if (error instanceof KeysUnavailable) {
    const message = 'tokens cannot be verified just now';
    return { kind: 'unavailable', message, cause: error };
  }
  if (error instanceof errors.JWTExpired) return refused('expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof ClaimsError) {
    return refused('claims', error.message);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refused('signature', 'the signature is not of a key that is trusted here');
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refused('signature', 'the token names a key that is not trusted here');
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return refused('signature', 'the token must name its key (kid): several could be meant');
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refused('signature', 'the token is signed with an algorithm that does not count here');
  }
  return refused('malformed', 'expected a signed JWT');
}
