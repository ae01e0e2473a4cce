import { errorReply, type Reply, unknownViewReply } from '../reply.ts';
import type { StreamParts } from './stream-source.ts';

/** Why a request becomes no connection, and what it is answered. */
export interface Refusal {
  readonly reason: string;
  readonly reply: Reply;
}

/** Whether this page may ask, and for this view; null when both are so. */
export function refuseStream(
  parts: StreamParts,
  headers: ReadonlyMap<string, string>,
  view: string,
): Refusal | null {
  if (parts.admitOrigin(headers) === null) {
    const message = 'pages of this origin may not use this server; its operator can list them';
    return { reason: 'origin', reply: errorReply(403, 'origin', message) };
  }
  if (parts.source.get(view) === undefined) {
    return { reason: 'unknown_view', reply: unknownViewReply(view, parts.source.names()) };
  }
  return null;
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
