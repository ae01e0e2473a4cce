import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A row of top10: user and count. */
export type Leader = readonly [user: string, count: number];

/**
 * What top10 must hold after the first n events of a recording, counted by nothing but a loop:
 * the ten greatest counts, ties by the users' names in byte order.
 */
export class PrefixOracle {
  readonly #users: readonly (string | null)[];

  constructor(users: readonly (string | null)[]) {
    this.#users = users;
  }

  /** Reads a gzipped recording of server-sent events without any of the project's code. */
  static read(file: string): PrefixOracle {
    const text = gunzipSync(readFileSync(file)).toString();
    const users = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => {
      const event = JSON.parse(json) as { user?: string; meta?: { domain?: string } };
      return event.meta?.domain === 'canary' ? undefined : (event.user ?? null);
    });
    return new PrefixOracle(users.filter((user) => user !== undefined));
  }

  get size(): number {
    return this.#users.length;
  }

  /** The leaders after n events, first one first. O(n). */
  leaders(n: number): readonly Leader[] {
    const counts = new Map<string, number>();
    for (const user of this.#users.slice(0, n)) {
      if (user !== null) counts.set(user, (counts.get(user) ?? 0) + 1);
    }
    return [...counts].sort(byRank).slice(0, 10);
  }
}

/** The rows of top10 first one first, as a view has no order. */
export function rankRows(rows: readonly (readonly unknown[])[]): readonly Leader[] {
  return rows.map(([user, count]): Leader => [String(user), Number(count)]).sort(byRank);
}

/** Greater counts first, then names by their bytes. */
export function byRank([userA, a]: Leader, [userB, b]: Leader): number {
  return b - a || Buffer.compare(Buffer.from(userA), Buffer.from(userB));
}
