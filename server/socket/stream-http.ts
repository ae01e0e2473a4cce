import { sendReply, writeHead } from '../reply.ts';
import { decodeSegment, type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import type { Heartbeat } from './heartbeat.ts';
import { refuseMethod, refuseStream, tooManyConnections } from './refusal.ts';
import { StreamResponse } from './stream-response.ts';
import type { Position, Seat, StreamMember, StreamParts } from './stream-source.ts';

/** What stands between two messages, for a blocked reader to be probed with. */
const FILLER = { event: ':\n\n', line: ' ' } as const;

const CONTENT_TYPE = {
  event: 'text/event-stream; charset=utf-8',
  line: 'application/x-ndjson; charset=utf-8',
} as const;

/**
 * Streams over plain HTTP: server-sent events where the request accepts `text/event-stream`, else
 * one JSON object a line. An upgrade request whose key is no valid one lands here too, as with the
 * documented curl line.
 */
export function streamResponses(
  parts: StreamParts,
  heartbeat: Heartbeat,
  keepAlive: Heartbeat,
): (response: HttpResponse, request: HttpRequest) => void {
  return (response, raw) => {
    response.onAborted(() => {});
    const request = readRequest(raw, response);
    const view = decodeSegment(raw.getParameter(0) ?? '') ?? '';
    const refusal = refuseMethod(request.method) ?? refuseStream(parts, request.headers, view);
    if (refusal !== null) {
      parts.observer.refused(refusal.reason);
      sendReply(response, refusal.reply, request.method === 'HEAD');
      return;
    }
    const format = accepts(request) ? 'event' : 'line';
    const cors = parts.admitOrigin(request.headers) ?? {};
    const headers = {
      'Content-Type': CONTENT_TYPE[format],
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      ...cors,
    };
    if (request.method === 'HEAD') {
      writeHead(response, 200, headers);
      response.endWithoutBody();
      return;
    }
    const depart = parts.admitConnection(request.peer, request.headers);
    if (depart === null) {
      parts.observer.refused(tooManyConnections.reason);
      sendReply(response, tooManyConnections.reply, false);
      return;
    }
    writeHead(response, 200, headers);
    const stream = { view, format, from: tokenOf(parts, request), depart } as const;
    run(parts, heartbeat, keepAlive, response, stream);
  };
}

interface Stream {
  readonly view: string;
  readonly format: 'event' | 'line';
  readonly from: Position | null | undefined;
  readonly depart: () => void;
}

function run(
  parts: StreamParts,
  heartbeat: Heartbeat,
  keepAlive: Heartbeat,
  response: HttpResponse,
  { view, format, from, depart }: Stream,
): void {
  const kind = format === 'event' ? 'sse' : 'http';
  let seat: Seat | null = null;
  let open = true;
  const out = new StreamResponse(response, FILLER[format], () => seat?.drained());
  const stops = [keepAlive.add(() => out.keepAlive()), depart];
  if (format === 'event') stops.push(heartbeat.add(() => out.send(comment(parts, seat))));
  const over = (code: number): void => {
    if (!open) return;
    open = false;
    for (const stop of stops) stop();
    seat?.leave();
    parts.observer.connections(kind, -1);
    parts.observer.closed(code);
  };
  response.onAborted(() => {
    out.aborted();
    over(1006);
  });
  parts.observer.connections(kind, 1);
  const member: StreamMember = {
    format,
    replaceable: format === 'event' || from !== undefined,
    send: (bytes) => out.send(bytes),
    bufferedBytes: () => out.bufferedBytes,
    enter: () => {},
    leave: () => {},
    close: (reason) => {
      over(reason.code);
      out.end();
    },
  };
  seat = parts.source.get(view)?.join(member, from) ?? null;
  // The head goes out with the first byte, which a view that still hydrates has not got.
  if (seat?.position === null) out.send(Buffer.from(FILLER[format]));
}

/**
 * Proof of quiet: the id moves on without an event (WHATWG HTML, "Server-sent events"), so that a
 * viewer of a view that seldom changes resumes from now and not from its last change.
 */
function comment(parts: StreamParts, seat: Seat | null): Uint8Array {
  const position = seat?.position ?? null;
  return Buffer.from(position === null ? ':\n\n' : `:\nid: ${parts.formatToken(position)}\n\n`);
}

const accepts = (request: Request): boolean =>
  (request.headers.get('accept') ?? '').toLowerCase().includes('text/event-stream');

/** The header that an EventSource sends on its own wins over the address it was made with. */
function tokenOf(parts: StreamParts, request: Request): Position | null | undefined {
  const text = request.headers.get('last-event-id') || request.query.get('from');
  return text === null || text === undefined ? undefined : parts.parseToken(text);
}
