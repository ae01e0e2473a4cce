import type { HttpRequest, HttpResponse } from './uws.ts';

/** A request as handlers see it, readable beyond the turn in which it came. */
export interface Request {
  /** In capitals. */
  readonly method: string;
  /** As sent, percent signs and all. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Headers by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** The peer's address as text; a proxy's when there is one between. */
  readonly peer: string;
}

/** Copies what uWebSockets lends for the turn of the handler only. */
export function readRequest(request: HttpRequest, response: HttpResponse): Request {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  });
  return {
    method: request.getCaseSensitiveMethod().toUpperCase(),
    path: request.getUrl(),
    query: new URLSearchParams(request.getQuery() ?? ''),
    headers,
    peer: Buffer.from(response.getRemoteAddressAsText()).toString(),
  };
}

/** One part of a path, decoded; null when its percent signs make no sense. */
export function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
