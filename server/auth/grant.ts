import type { FilterValue } from '../../protocol/message.ts';

/** Column values that all rows must have. */
export type Where = Readonly<Record<string, FilterValue>>;

/** A set of names, or every name there is. */
export type Names = ReadonlySet<string> | 'all';

/** What a verified token allows. */
export interface Grant {
  /** Whom the token names (`sub`); null when nobody. For logs, never for decisions. */
  readonly subject: string | null;
  /** When the token ends, in ms since the epoch; null for never. */
  readonly expiresAtMs: number | null;
  /** The views that may be watched. */
  readonly views: Names;
  /** By view, the column values that every row shown must have. */
  readonly where: ReadonlyMap<string, Where>;
  /** The topics that take messages from this token's bearer. */
  readonly topics: Names;
}

/** What everybody may where tokens are off. */
export const openGrant: Grant = {
  subject: null,
  expiresAtMs: null,
  views: 'all',
  where: new Map(),
  topics: 'all',
};

/** What a grant says about one view under one filter. */
export type Permission =
  /** `where` is what the viewer asked for and what the token forces; undefined for all rows. */
  | { readonly kind: 'permitted'; readonly where: Where | undefined }
  | { readonly kind: 'denied'; readonly reason: string };

const includes = (names: Names, name: string): boolean => names === 'all' || names.has(name);

/** Equal as rows carry the values: by their JSON texts. */
const equal = (a: FilterValue, b: FilterValue): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Whether the view may be watched under the filter, and under which filter then: the values that
 * the token forces are added. A filter that asks for another value than a forced one is denied,
 * not answered with nothing, so that a viewer's mistake does not look like an empty view.
 */
export function permits(grant: Grant, view: string, where: Where | undefined): Permission {
  if (!includes(grant.views, view)) {
    return { kind: 'denied', reason: `the token does not allow the view ${view}` };
  }
  const forced = grant.where.get(view);
  if (forced === undefined) return { kind: 'permitted', where };
  const asked = new Map(Object.entries(where ?? {}));
  for (const [column, value] of Object.entries(forced)) {
    const wanted = asked.get(column);
    if (wanted !== undefined && !equal(wanted, value)) {
      const reason = `the token allows rows of ${view} with another value of ${column} only`;
      return { kind: 'denied', reason };
    }
    asked.set(column, value);
  }
  return { kind: 'permitted', where: Object.fromEntries(asked) };
}

/** Whether the grant allows all rows of the view, as interfaces without filters show them. */
export function permitsWhole(grant: Grant, view: string): Permission {
  const permission = permits(grant, view, undefined);
  if (permission.kind === 'denied' || permission.where === undefined) return permission;
  const reason = `the token allows some rows of ${view} only, which ws /api/v1 shows`;
  return { kind: 'denied', reason };
}

/** Whether messages may be submitted to the topic. */
export const permitsTopic = (grant: Grant, topic: string): boolean => includes(grant.topics, topic);

/**
 * Whether a subscription may go on under another grant: it is still permitted, and shows the same
 * rows. `asked` is what the viewer asked for, `shown` the filter that it got.
 */
export function stillPermits(
  grant: Grant,
  view: string,
  asked: Where | undefined,
  shown: Where | undefined,
): boolean {
  const permission = permits(grant, view, asked);
  return permission.kind === 'permitted' && sameWhere(permission.where, shown);
}

function sameWhere(a: Where = {}, b: Where = {}): boolean {
  const others = new Map(Object.entries(b));
  const own = Object.entries(a);
  return (
    own.length === others.size &&
    own.every(([column, value]) => {
      const other = others.get(column);
      return other !== undefined && equal(value, other);
    })
  );
}
