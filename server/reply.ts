import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from './uws.ts';

/** A whole answer to a request. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer in JSON, never kept by caches unless `headers` say otherwise. */
export function jsonReply(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...headers,
    },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** What went wrong, for programs (`error`) and for people (`message`). */
export function errorReply(
  status: number,
  error: string,
  message: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return jsonReply(status, { error, message, ...more }, headers);
}

/** The answer about a view that is not served: which ones are. */
export function unknownViewReply(name: string, listed: readonly string[]): Reply {
  // One that was dropped is still listed until the database's catalogue says so.
  const views = listed.filter((view) => view !== name);
  const known = views.length === 0 ? 'there are no views yet' : `the views are ${views.join(', ')}`;
  return errorReply(404, 'unknown_view', `no view is named ${JSON.stringify(name)}; ${known}`, {
    views,
  });
}

/** Nothing can be said of any view yet: the database has not told which there are. */
export const unknownListReply: Reply = errorReply(
  503,
  'unavailable',
  'the list of views is not known yet; ask again in a second',
  { retryMs: 1_000 },
  { 'Retry-After': '1' },
);

/** Writes the status line and headers; `nosniff` is always among them. */
export function writeHead(
  response: HttpResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Unknown'}`);
  response.writeHeader('X-Content-Type-Options', 'nosniff');
  for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
}

/** Sends the whole reply; to HEAD, all but the body. The response is over then. */
export function sendReply(response: HttpResponse, reply: Reply, head: boolean): void {
  writeHead(response, reply.status, reply.headers);
  const bodyless = reply.status === 304 || reply.status === 204;
  if (bodyless) response.endWithoutBody();
  else if (head) response.endWithoutBody(Buffer.byteLength(reply.body));
  else response.end(reply.body);
}
