import { z } from 'zod';
import { BOUNDS } from '../../protocol/message.ts';
import type { Grant, Names, Where } from './grant.ts';

/** The claims of a verified token are not what this server understands. */
export class ClaimsError extends Error {
  override readonly name = 'ClaimsError';
}

const name = z.string().min(1).max(BOUNDS.nameLength);
const names = z.union([z.literal('*'), z.array(name)], {
  error: 'must be a list of names, or "*" for all',
});
const filterValue = z.union(
  [z.null(), z.boolean(), z.number(), z.string().max(BOUNDS.filterTextLength)],
  { error: 'must be null, a boolean, a number or a text' },
);
const where = z.record(name, filterValue).refine((columns) => Object.keys(columns).length > 0, {
  error: 'must name at least one column; leave the view out of where to allow all its rows',
});

/** Strict: a misspelt `where` would show all rows. */
const rightsSchema = z.strictObject({
  views: names.default([]),
  where: z.record(name, where).default({}),
  submit: names.default([]),
});

const toNames = (list: '*' | readonly string[]): Names => (list === '*' ? 'all' : new Set(list));

/**
 * The rights that a verified token's payload names under `claim`:
 * `{"views": ["useredits"], "where": {"useredits": {"user": "X"}}, "submit": ["example"]}`.
 *
 * @throws {ClaimsError} naming the field, what was expected and what came.
 */
export function readClaims(payload: Readonly<Record<string, unknown>>, claim: string): Grant {
  const rights: unknown = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (rights === undefined) throw new ClaimsError(`expected a claim ${claim}, got none`);
  refuseTraps(rights, claim);
  const result = rightsSchema.safeParse(rights);
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = [claim, ...(issue?.path ?? [])].map(String).join('.');
    throw new ClaimsError(`${path}: ${issue?.message}`);
  }
  const { views, where: forced, submit } = result.data;
  const allowed = toNames(views);
  const stray = Object.keys(forced).find((view) => allowed !== 'all' && !allowed.has(view));
  if (stray !== undefined) {
    throw new ClaimsError(`${claim}.where: expected views of ${claim}.views only, got ${stray}`);
  }
  return {
    subject: typeof payload.sub === 'string' ? payload.sub : null,
    expiresAtMs: typeof payload.exp === 'number' ? payload.exp * 1_000 : null,
    views: allowed,
    where: new Map<string, Where>(Object.entries(forced)),
    topics: toNames(submit),
  };
}

/** The schemas' library passes over keys of this name: a filter on such a column would be lost. */
function refuseTraps(rights: unknown, claim: string): void {
  if (JSON.stringify(rights).includes('"__proto__"')) {
    throw new ClaimsError(`${claim}: expected no name __proto__`);
  }
}
