import { clientAddress, isLoopback, type TrustedProxies } from './address.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { Request } from './request.ts';

type Headers = ReadonlyMap<string, string>;
type Depart = () => void;

/** Who asks to be let in; one of the two is called, once, at once or later. */
interface Entrant<Passed, Refused> {
  readonly admitted: (pass: Passed) => void;
  readonly refused: (refusal: Refused) => void;
}

/** How many connections each address has. */
export interface ConnectionPlaces {
  /** Takes one of the address's places; null when it has as many as it may. */
  admit(peer: string, headers: Headers): Depart | null;
  /**
   * Asks for the place first, where that takes a while, then goes on with `enter`. `admit` is to be
   * called in the turn of `admitted`, or not at all. The returned function withdraws.
   */
  before<Passed, Refused>(
    request: Pick<Request, 'peer' | 'headers'>,
    entrant: Entrant<Passed, Refused>,
    enter: (entrant: Entrant<Passed, Refused>) => () => void,
  ): () => void;
}

/** The places that a server counts by itself. */
export function ownPlaces(most: number, proxies: TrustedProxies): ConnectionPlaces {
  const limit = new ConnectionLimit(most);
  return {
    admit: (peer, headers) =>
      limit.enter(clientAddress(peer, headers.get('x-forwarded-for'), proxies)),
    before: (_request, entrant, enter) => enter(entrant),
  };
}

/**
 * The places that several servers count together: `take` asks for one, and never rejects. This
 * machine's own addresses are not limited and not asked about.
 */
export function sharedPlaces(
  take: (address: string) => Promise<Depart | null>,
  proxies: TrustedProxies,
): ConnectionPlaces {
  /** By the headers of the request that it was taken for. */
  const taken = new Map<Headers, Depart | null>();
  const release = (headers: Headers): void => {
    taken.get(headers)?.();
    taken.delete(headers);
  };
  const addressOf = (peer: string, headers: Headers) =>
    clientAddress(peer, headers.get('x-forwarded-for'), proxies);
  return {
    admit: (peer, headers) => {
      const depart = taken.get(headers);
      taken.delete(headers);
      if (depart !== undefined) return depart;
      return isLoopback(addressOf(peer, headers)) ? () => {} : null;
    },
    before: ({ peer, headers }, { admitted, refused }, enter) => {
      const address = addressOf(peer, headers);
      if (isLoopback(address)) return enter({ admitted, refused });
      let waiting = true;
      let withdraw = (): void => {};
      const over = (): void => {
        waiting = false;
        release(headers);
      };
      const go = (depart: Depart | null): void => {
        if (!waiting) {
          depart?.();
          return;
        }
        taken.set(headers, depart);
        withdraw = enter({
          admitted: (pass) => {
            admitted(pass);
            over();
          },
          refused: (refusal) => {
            over();
            refused(refusal);
          },
        });
      };
      take(address).then(go, () => go(null));
      return () => {
        over();
        withdraw();
      };
    },
  };
}
