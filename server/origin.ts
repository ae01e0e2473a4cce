import type { Reply } from './reply.ts';

/** Decides which pages may use this server: those it serves itself, and those on a list. */
export interface OriginPolicy {
  /** Origins as browsers send them, such as `https://example.org`; compared exactly. */
  readonly origins: readonly string[];
}

/**
 * Whether a request may be served. Programs send no Origin and are allowed; a page's Origin must
 * be this server's own (it names the host that the request went to) or stand on the list. The
 * check is what keeps other sites' pages from using a visitor's connection (CWE-1385).
 */
export function allowsOrigin(
  policy: OriginPolicy,
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (origin === undefined || origin === '') return true;
  return isSameOrigin(origin, host) || policy.origins.includes(origin);
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.host === host.toLowerCase();
}

/** The headers that let a listed page read the answer; none for the server's own pages. */
export function corsHeaders(
  policy: OriginPolicy,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  if (policy.origins.length === 0) return {};
  const listed = origin !== undefined && policy.origins.includes(origin);
  return listed ? { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' } : { Vary: 'Origin' };
}

/** What a listed page may send along: a token and the id of the last event. */
const PREFLIGHT: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Last-Event-ID, Prefer',
  'Access-Control-Max-Age': '600',
};

/**
 * The answer to a browser that asks beforehand (WHATWG Fetch, "CORS-preflight request"), which it
 * does without a token; null when the request is none, or the page is not a listed one. `cors` is
 * what {@link corsHeaders} says of it.
 */
export function preflightReply(
  method: string,
  cors: Readonly<Record<string, string>>,
): Reply | null {
  const listed = cors['Access-Control-Allow-Origin'] !== undefined;
  if (method !== 'OPTIONS' || !listed) return null;
  return { status: 204, headers: { ...cors, ...PREFLIGHT }, body: '' };
}
