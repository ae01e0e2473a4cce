import { createHash } from 'node:crypto';

/**
 * One change on a wiki: a row of the table `recentchange` (sql/sources/embedded.sql), under its
 * column names. Texts are valid UTF-8 without NUL and of bounded length, integers are exact.
 * Source: Wikimedia's schema mediawiki/recentchange 1.0.1, whose only required fields are `$schema`
 * and `meta`; everything else may be missing in real events.
 */
export interface RecentChange {
  readonly meta_id: string;
  readonly meta_uri: string | null;
  /** ISO 8601 in UTC. */
  readonly meta_dt: string | null;
  readonly meta_domain: string | null;
  readonly r_schema: string | null;
  readonly id: number | null;
  readonly type: string | null;
  readonly title: string | null;
  readonly namespace: number | null;
  readonly comment: string | null;
  /** Seconds since the epoch. */
  readonly timestamp: number | null;
  readonly user: string | null;
  readonly bot: boolean | null;
  readonly minor: boolean | null;
  readonly patrolled: boolean | null;
  readonly length_old: number | null;
  readonly length_new: number | null;
  readonly revision_old: number | null;
  readonly revision_new: number | null;
  readonly server_url: string | null;
  readonly server_name: string | null;
  readonly server_script_path: string | null;
  readonly wiki: string | null;
  readonly log_id: number | null;
  readonly log_type: string | null;
  readonly log_action: string | null;
  readonly log_action_comment: string | null;
  readonly log_params: string | null;
}

/** What an arrival turned out to be. Canaries are Wikimedia's test events, several an hour. */
export type Parsed =
  | { readonly kind: 'change'; readonly change: RecentChange }
  | { readonly kind: 'canary' }
  | { readonly kind: 'malformed'; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** Characters. MediaWiki's own limits are 255 bytes for names and titles, 500 for comments. */
const longestName = 512;
const longestText = 4096;
/** An index row of PostgreSQL holds about 2,700 bytes; real ids are UUIDs of 36. */
const longestId = 256;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** PostgreSQL takes neither NUL nor a lone surrogate. */
function clean(text: string, limit: number): string {
  const bounded = text.length > limit ? text.slice(0, limit) : text;
  return bounded.replace(/\0|\p{Surrogate}/gu, (found) => (found === '\0' ? '' : '\uFFFD'));
}

function text(value: unknown, limit = longestName): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? clean(value, limit) : null;
}

/** Null for what a double cannot hold exactly: better unknown than wrong. */
function integer(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

function boolean(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

/** Between the years 0 and 9999, where ISO 8601 has four digits and PostgreSQL takes it. */
function instant(value: unknown): string | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms >= -62_135_596_800_000 && ms < 253_402_300_800_000 ? new Date(ms).toISOString() : null;
}

/** As JSON text; a string stays itself. Cut JSON would be no JSON, so what is too long is null. */
function jsonText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const json = typeof value === 'string' ? value : JSON.stringify(value);
  return json.length > 4 * longestText ? null : clean(json, 4 * longestText);
}

/** The event's own id; else its place in Wikimedia's log; else a hash of the whole event. */
function identify(meta: Fields, json: string): string {
  if (typeof meta.id === 'string' && meta.id !== '' && meta.id.length <= longestId) {
    return clean(meta.id, longestId);
  }
  const { topic, partition, offset } = meta;
  if (typeof topic === 'string' && topic.length < longestId && integer(offset) !== null) {
    return clean(`${topic}/${String(integer(partition))}/${String(offset)}`, longestId + 64);
  }
  return `sha256:${createHash('sha256').update(json).digest('hex')}`;
}

function toChange(event: Fields, meta: Fields, json: string): RecentChange {
  const length = fieldsOf(event.length);
  const revision = fieldsOf(event.revision);
  return {
    meta_id: identify(meta, json),
    meta_uri: text(meta.uri, longestText),
    meta_dt: instant(meta.dt),
    meta_domain: text(meta.domain),
    r_schema: text(event.$schema),
    id: integer(event.id),
    type: text(event.type),
    title: text(event.title),
    namespace: integer(event.namespace),
    comment: text(event.comment, longestText),
    timestamp: integer(event.timestamp),
    user: text(event.user),
    bot: boolean(event.bot),
    minor: boolean(event.minor),
    patrolled: boolean(event.patrolled),
    length_old: integer(length.old),
    length_new: integer(length.new),
    revision_old: integer(revision.old),
    revision_new: integer(revision.new),
    server_url: text(event.server_url),
    server_name: text(event.server_name),
    server_script_path: text(event.server_script_path),
    wiki: text(event.wiki),
    log_id: integer(event.log_id),
    log_type: text(event.log_type),
    log_action: text(event.log_action),
    log_action_comment: text(event.log_action_comment, longestText),
    log_params: jsonText(event.log_params),
  };
}

/**
 * Reads one event. Never throws: what is no JSON object with a `meta` object is `malformed`, a
 * field of the wrong type is null, a text beyond its bound is cut.
 */
export function parseRecentChange(json: string): Parsed {
  let event: unknown;
  try {
    event = JSON.parse(json);
  } catch (error) {
    return { kind: 'malformed', reason: `expected JSON: ${String(error)}` };
  }
  if (!isFields(event)) return { kind: 'malformed', reason: 'expected a JSON object' };
  const meta = event.meta;
  if (!isFields(meta)) return { kind: 'malformed', reason: 'expected an object in "meta"' };
  if (meta.domain === 'canary') return { kind: 'canary' };
  return { kind: 'change', change: toChange(event, meta, json) };
}
