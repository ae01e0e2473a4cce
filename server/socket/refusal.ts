import { errorReply, type Reply, unknownListReply, unknownViewReply } from '../reply.ts';
import type { Pass, StreamParts } from './stream-source.ts';

/** Why a request becomes no connection, and what it is answered. */
export interface Refusal {
  readonly reason: string;
  readonly reply: Reply;
}

/** Whether this page may ask; null when it may. */
export function refuseOrigin(
  parts: Pick<StreamParts, 'admitOrigin'>,
  headers: ReadonlyMap<string, string>,
): Refusal | null {
  if (parts.admitOrigin(headers) !== null) return null;
  const message = 'pages of this origin may not use this server; its operator can list them';
  return { reason: 'origin', reply: errorReply(403, 'origin', message) };
}

/** Whether this view may be watched, and is there; null when both are so. */
export function refuseView(parts: StreamParts, pass: Pass, view: string): Refusal | null {
  const forbidden = pass.forbidsView(view);
  if (forbidden !== null) return forbidden;
  if (parts.source.get(view) !== undefined) return null;
  if (!parts.source.known) return { reason: 'unavailable', reply: unknownListReply };
  const names = parts.source.names().filter((name) => pass.forbidsView(name) === null);
  return { reason: 'unknown_view', reply: unknownViewReply(view, names) };
}

/** A stream is read only. */
export function refuseMethod(method: string): Refusal | null {
  if (method === 'GET' || method === 'HEAD') return null;
  const message = `a stream is read with GET, not ${method}`;
  return {
    reason: 'method',
    reply: errorReply(405, 'method', message, {}, { Allow: 'GET, HEAD' }),
  };
}

/** The address has as many streams as it may. */
export const tooManyConnections: Refusal = {
  reason: 'too_many_connections',
  reply: errorReply(
    429,
    'too_many_connections',
    'this address has as many streams open as it may; close one, or wait',
    {},
    { 'Retry-After': '10' },
  ),
};

/** The server takes no more of these just now. */
export function overloaded(retryMs: number): Refusal {
  const message = 'more viewers came at once than the server takes; come back later';
  const headers = { 'Retry-After': String(Math.ceil(retryMs / 1_000)) };
  return {
    reason: 'overloaded',
    reply: errorReply(503, 'overloaded', message, { retryMs }, headers),
  };
}
