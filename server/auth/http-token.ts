import type { Clock } from '../clock.ts';
import type { Verdict } from './authorizer.ts';
import type { Verifier } from './connection-auth.ts';
import { LEEWAY_MS } from './expiry.ts';
import { openGrant } from './grant.ts';

/** Where tokens of HTTP requests and of stream sockets are looked for. */
export interface HttpAuthParts {
  /** Null where tokens are off. */
  readonly verifier: Verifier | null;
  readonly clock: Clock;
  /**
   * Whether `?access_token=` counts, and for how long such a token may be valid from now on, in
   * seconds; 0 for never. Browsers' EventSource and WebSocket can send no header, but an address
   * ends in the logs of every proxy between: such a token must be worthless soon.
   */
  readonly querySeconds: number;
}

/** What of a request matters here. */
export interface TokenRequest {
  readonly headers: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
}

const granted: Verdict = { kind: 'granted', grant: openGrant };
const missing: Verdict = {
  kind: 'refused',
  reason: 'malformed',
  message: 'expected a token: Authorization: Bearer <token>',
};
const longLived: Verdict = {
  kind: 'refused',
  reason: 'claims',
  message: 'the token is valid for too long to stand in an address; send it as a header',
};

/** Authorizes requests that carry their token with them (RFC 6750 §2.1, §2.3). */
export class HttpAuth {
  readonly #parts: HttpAuthParts;

  constructor(parts: HttpAuthParts) {
    this.#parts = parts;
  }

  /** Whether requests need a token. */
  get required(): boolean {
    return this.#parts.verifier !== null;
  }

  /**
   * Answers in the same turn where no token has to be verified, else later; never rejects. A
   * header wins over the query.
   */
  judge(request: TokenRequest): Verdict | Promise<Verdict> {
    const { verifier, querySeconds } = this.#parts;
    if (verifier === null) return granted;
    const header = request.headers.get('authorization');
    if (header !== undefined) {
      const token = /^Bearer +([\w\-.~+/]+=*) *$/i.exec(header)?.[1];
      return token === undefined ? missing : verifier.verify(token);
    }
    const inQuery = querySeconds > 0 ? request.query.get('access_token') : null;
    return inQuery === null ? missing : this.#judgeQuery(verifier, inQuery);
  }

  async #judgeQuery(verifier: Verifier, token: string): Promise<Verdict> {
    const verdict = await verifier.verify(token);
    if (verdict.kind !== 'granted') return verdict;
    const { clock, querySeconds } = this.#parts;
    const { expiresAtMs } = verdict.grant;
    const lastMs = clock.now() + querySeconds * 1_000 + LEEWAY_MS;
    return expiresAtMs !== null && expiresAtMs <= lastMs ? verdict : longLived;
  }
}
