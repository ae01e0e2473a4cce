import { preflightReply } from '../origin.ts';
import { sendReply, writeHead } from '../reply.ts';
import { decodeSegment, type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import {
  type AdmittedStream,
  type AskedStream,
  type Beats,
  type HttpFormat,
  HttpStream,
  type StreamPlace,
} from './http-stream.ts';
import {
  overloaded,
  type Refusal,
  refuseMethod,
  refuseOrigin,
  refuseView,
  tooManyConnections,
} from './refusal.ts';
import type { Position, StreamParts } from './stream-source.ts';

const CONTENT_TYPE = {
  event: 'text/event-stream; charset=utf-8',
  line: 'application/x-ndjson; charset=utf-8',
} as const;

/**
 * Streams over plain HTTP: server-sent events where the request accepts `text/event-stream`, else
 * one JSON object a line. An upgrade request whose key is no valid one lands here too, as with the
 * documented curl line.
 */
export function httpStreams(
  parts: StreamParts,
  beats: Beats,
): (response: HttpResponse, request: HttpRequest) => void {
  return (response, raw) => {
    const withdrawals: (() => void)[] = [];
    response.onAborted(() => {
      for (const withdraw of withdrawals) withdraw();
    });
    const view = decodeSegment(raw.getParameter(0) ?? '') ?? '';
    const request = readRequest(raw, response);
    const cors = parts.admitOrigin(request.headers) ?? {};
    const refuse = ({ reason, reply }: Refusal): void => {
      parts.observer.refused(reason);
      const whole = { ...reply, headers: { ...reply.headers, ...cors } };
      response.cork(() => sendReply(response, whole, request.method === 'HEAD'));
    };
    const preflight = preflightReply(request.method, cors);
    if (preflight !== null) {
      sendReply(response, preflight, false);
      return;
    }
    const refusal = refuseMethod(request.method) ?? refuseOrigin(parts, request.headers);
    if (refusal !== null) {
      refuse(refusal);
      return;
    }
    const begin = (stream: AdmittedStream): void =>
      new HttpStream(parts, beats, response, stream).begin(stream);
    const withdraw = parts.enter(request, {
      refused: refuse,
      admitted: (pass) => {
        const asked = { view, pass, from: tokenOf(parts, request) };
        withdrawals.push(answer(parts, { request, response, cors, refuse }, asked, begin));
      },
    });
    withdrawals.push(withdraw);
  };
}

/** A request and the ways to answer it. */
interface Exchange {
  readonly request: Request;
  readonly response: HttpResponse;
  readonly cors: Readonly<Record<string, string>>;
  readonly refuse: (refusal: Refusal) => void;
}

/** Begins a stream when it is its turn; the returned function withdraws it until then. */
function answer(
  parts: StreamParts,
  { request, response, cors, refuse }: Exchange,
  asked: AskedStream,
  begin: (stream: AdmittedStream) => void,
): () => void {
  const format = accepts(request) ? 'event' : 'line';
  const headers = { ...headersOf(format), ...cors };
  const unseen = () => refuseView(parts, asked.pass, asked.view);
  const refusal = unseen();
  if (refusal !== null) {
    refuse(refusal);
    return () => {};
  }
  if (request.method === 'HEAD') {
    response.cork(() => {
      writeHead(response, 200, headers);
      response.endWithoutBody();
    });
    return () => {};
  }
  const seated = (place: StreamPlace): void => {
    // While it waited its view may have gone.
    const late = unseen();
    if (late !== null) {
      place.depart();
      place.leavePlace();
      refuse(late);
      return;
    }
    response.cork(() => {
      writeHead(response, 200, headers);
      begin({ ...asked, ...place, format });
    });
  };
  return takePlaces(parts, request, asked.from, seated, refuse);
}

/** Takes a place among the address's connections, and one to be sent the first message. */
function takePlaces(
  parts: StreamParts,
  request: Request,
  from: AskedStream['from'],
  begin: (place: StreamPlace) => void,
  refuse: (refusal: Refusal) => void,
): () => void {
  const depart = parts.admitConnection(request.peer, request.headers);
  if (depart === null) {
    refuse(tooManyConnections);
    return () => {};
  }
  const withdraw = parts.takePlace(from !== undefined && from !== null, {
    admitted: (leavePlace) => begin({ depart, leavePlace }),
    refused: (retryMs) => {
      depart();
      refuse(overloaded(retryMs));
    },
  });
  return () => {
    withdraw();
    depart();
  };
}

const headersOf = (format: HttpFormat) => ({
  'Content-Type': CONTENT_TYPE[format],
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
});

const accepts = (request: Request): boolean =>
  (request.headers.get('accept') ?? '').toLowerCase().includes('text/event-stream');

/** The header that an EventSource sends on its own wins over the address it was made with. */
function tokenOf(parts: StreamParts, request: Request): Position | null | undefined {
  const text = request.headers.get('last-event-id') || request.query.get('from');
  return text === null || text === undefined ? undefined : parts.parseToken(text);
}
