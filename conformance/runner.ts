import type { Check, OpenOptions, Site } from './check.ts';
import { authorizing } from './checks/authorizing.ts';
import { refusing } from './checks/refusing.ts';
import { resuming } from './checks/resuming.ts';
import { submitting } from './checks/submitting.ts';
import { subscribing } from './checks/subscribing.ts';
import { Connection } from './connection.ts';
import type { Options } from './options.ts';
import { NotSeen, Rule } from './rule.ts';

/** How a check ended. */
export type Outcome =
  | { readonly kind: 'held' }
  | { readonly kind: 'unseen'; readonly why: string }
  | { readonly kind: 'broken'; readonly rule: string; readonly why: string };

/** A check and how it ended. */
export interface Result {
  readonly check: Pick<Check, 'rule' | 'name'>;
  readonly outcome: Outcome;
}

/** All checks, in the order of the protocol. */
export const CHECKS: readonly Check[] = [
  ...authorizing,
  ...subscribing,
  ...resuming,
  ...submitting,
  ...refusing,
];

/** A server, as far as all checks need to know it. */
export type Known = Pick<Site, 'views' | 'hello'>;

const NEIGHBOUR = {
  rule: 'S7',
  name: 'through all of this a neighbour was served without a fault',
};

/**
 * Runs the checks one after the other, each on connections of its own, while a neighbour follows
 * the first view. Yields each result as it is known; never throws for what the server does.
 */
export async function* run(
  options: Options,
  known: Known,
  checks: readonly Check[] = CHECKS,
): AsyncGenerator<Result> {
  const lobby = new Lobby(options, known);
  let neighbour: Neighbour | undefined;
  const settled = await outcomeOf(async () => {
    neighbour = await Neighbour.settle(lobby);
  });
  for (const check of checks) {
    yield { check, outcome: await outcomeOf(() => check.run(lobby.site)) };
    lobby.clear(neighbour?.connection);
  }
  const outcome = neighbour === undefined ? settled : await outcomeOf(neighbour.expectHealth);
  yield { check: NEIGHBOUR, outcome };
  lobby.clear();
}

async function outcomeOf(act: () => Promise<void>): Promise<Outcome> {
  try {
    await act();
    return { kind: 'held' };
  } catch (error) {
    if (error instanceof NotSeen) return { kind: 'unseen', why: error.message };
    if (error instanceof Rule) return { kind: 'broken', rule: error.rule, why: error.message };
    throw error;
  }
}

/** Opens connections for checks, and closes what they leave open. */
class Lobby {
  readonly site: Site;
  readonly #options: Options;
  readonly #open = new Set<Connection>();

  constructor(options: Options, known: Known) {
    this.#options = options;
    const { patienceMs, watchMs, token, submit, other, slow } = options;
    this.site = {
      ...known,
      patienceMs,
      watchMs,
      token,
      submit,
      hasOther: other !== undefined,
      slowly: () => {
        if (!slow) throw new NotSeen('it takes a minute; see --slow');
      },
      open: (how = {}) => this.#enter(how),
    };
  }

  /** Closes all but one. */
  clear(keep?: Connection): void {
    for (const connection of this.#open) {
      if (connection === keep) continue;
      connection.close();
      this.#open.delete(connection);
    }
  }

  async #enter({ other = false, anonymous = false, ...how }: OpenOptions): Promise<Connection> {
    const { url, other: second = url, patienceMs, token } = this.#options;
    const connection = await Connection.open(other ? second : url, { ...how, patienceMs });
    this.#open.add(connection);
    await connection.hear('hello');
    if (token !== undefined && !anonymous) {
      connection.say({ type: 'auth', token });
      await connection.hear('authorized');
    }
    return connection;
  }
}

/** Follows the first view while checks misbehave beside it. */
class Neighbour {
  readonly connection: Connection;
  readonly #site: Site;
  readonly #heardUntilNow: () => number;

  private constructor(connection: Connection, site: Site, heard: () => number) {
    this.connection = connection;
    this.#site = site;
    this.#heardUntilNow = heard;
  }

  static async settle({ site }: Lobby): Promise<Neighbour> {
    const connection = await site.open();
    const views = site.views.slice(0, 1).map((view) => ({ view }));
    const track = await connection.subscribe({ views });
    return new Neighbour(connection, site, () => track.batches + track.proofs);
  }

  /** It has broken no rule until now, and still gets news. */
  readonly expectHealth = async (): Promise<void> => {
    const before = this.#heardUntilNow();
    const limitMs = this.#site.hello.quietMs + this.#site.patienceMs;
    await this.connection.until('news', () => this.#heardUntilNow() > before, limitMs);
  };
}
