import type { CloseCode } from '../../protocol/close.ts';
import { preflightReply } from '../origin.ts';
import { sendReply, writeHead } from '../reply.ts';
import { decodeSegment, type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import type { Heartbeat } from './heartbeat.ts';
import {
  overloaded,
  type Refusal,
  refuseMethod,
  refuseOrigin,
  refuseView,
  tooManyConnections,
} from './refusal.ts';
import { StreamResponse } from './stream-response.ts';
import type {
  Pass,
  Position,
  Seat,
  StreamHeartbeat,
  StreamMember,
  StreamParts,
} from './stream-source.ts';

/** What stands between two messages: a sign of life, and a probe for a blocked reader. */
const FILLER = { event: Buffer.from(':\n\n'), line: Buffer.from(' ') } as const;

const CONTENT_TYPE = {
  event: 'text/event-stream; charset=utf-8',
  line: 'application/x-ndjson; charset=utf-8',
} as const;

/** What looks after streams of this kind from time to time. */
export interface Beats {
  readonly signs: StreamHeartbeat;
  /** For blocked responses: the library aborts them after ten seconds. */
  readonly keepAlive: Heartbeat<StreamResponse>;
}

/**
 * Streams over plain HTTP: server-sent events where the request accepts `text/event-stream`, else
 * one JSON object a line. An upgrade request whose key is no valid one lands here too, as with the
 * documented curl line.
 */
export function streamResponses(
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
    const begin = (stream: Stream): void =>
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
  asked: Asked,
  begin: (stream: Stream) => void,
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
  const seated = (place: Place): void => {
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

/** A stream as it was asked for, by somebody who may. */
interface Asked {
  readonly view: string;
  readonly pass: Pass;
  /** Undefined when no token was given, null when it cannot be read. */
  readonly from: Position | null | undefined;
}

/** What a stream holds of what is limited; both may be called more than once. */
interface Place {
  readonly depart: () => void;
  readonly leavePlace: () => void;
}

type Stream = Asked & Place & { readonly format: Format };
type Format = 'event' | 'line';

/** Takes a place among the address's connections, and one to be sent the first message. */
function takePlaces(
  parts: StreamParts,
  request: Request,
  from: Asked['from'],
  begin: (place: Place) => void,
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

const headersOf = (format: Format) => ({
  'Content-Type': CONTENT_TYPE[format],
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
});

/** One viewer: its response, and what its channel knows of it. An idle one keeps nothing else. */
class HttpStream implements StreamMember {
  readonly format: Format;
  readonly replaceable: boolean;
  readonly #parts: StreamParts;
  readonly #beats: Beats;
  readonly #pass: Pass;
  readonly #depart: () => void;
  readonly #out: StreamResponse;
  /** Null when the place has been given up: whoever asked for it is forgotten. */
  #leavePlace: (() => void) | null;
  #seat: Seat | null = null;
  #open = true;
  #begun = false;

  constructor(parts: StreamParts, beats: Beats, response: HttpResponse, stream: Stream) {
    this.format = stream.format;
    this.replaceable = stream.format === 'event' || stream.from !== undefined;
    this.#parts = parts;
    this.#beats = beats;
    this.#pass = stream.pass;
    this.#depart = stream.depart;
    this.#leavePlace = stream.leavePlace;
    this.#out = new StreamResponse(response, FILLER[stream.format], () => {
      this.#seat?.drained();
      this.#sent();
    });
    response.onAborted(() => {
      this.#out.aborted();
      this.#over(1006);
    });
  }

  /** To be called once, with the response's head written. */
  begin({ view, from }: Stream): void {
    this.#beats.keepAlive.add(this.#out);
    this.#beats.signs.add(this);
    this.#parts.observer.connections(this.#kind, 1);
    this.#pass.opened(this);
    this.#seat = this.#parts.source.get(view)?.join(this, from) ?? null;
    // The head goes out with the first byte, and there may be nothing to say yet.
    if (!this.#begun) this.signOfLife();
    this.#sent();
  }

  send(bytes: Uint8Array): void {
    this.#begun = true;
    this.#out.send(bytes);
  }

  bufferedBytes(): number {
    return this.#out.bufferedBytes;
  }

  enter(): void {}

  leave(): void {}

  close(reason: CloseCode): void {
    this.#over(reason.code);
    this.#out.end();
  }

  signOfLife(): void {
    const isEvent = this.format === 'event';
    this.#out.send(isEvent ? comment(this.#parts, this.#seat) : FILLER.line);
  }

  get #kind() {
    return this.format === 'event' ? 'sse' : 'http';
  }

  /** The place is another's as soon as the first message has left the process. */
  #sent(): void {
    if (this.#out.bufferedBytes < this.#parts.limits.placeBytes) this.#leave();
  }

  #leave(): void {
    this.#leavePlace?.();
    this.#leavePlace = null;
  }

  #over(code: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.#beats.keepAlive.remove(this.#out);
    this.#beats.signs.remove(this);
    this.#depart();
    this.#leave();
    this.#pass.over(this);
    this.#seat?.leave();
    this.#parts.observer.connections(this.#kind, -1);
    this.#parts.observer.closed(code);
  }
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
