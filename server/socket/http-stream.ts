import type { CloseCode } from '../../protocol/close.ts';
import type { HttpResponse } from '../uws.ts';
import type { Heartbeat } from './heartbeat.ts';
import { StreamResponse } from './stream-response.ts';
import type {
  Pass,
  Position,
  Seat,
  StreamHeartbeat,
  StreamMember,
  StreamParts,
} from './stream-source.ts';

/** A stream as it was asked for, by somebody who may. */
export interface AskedStream {
  readonly view: string;
  readonly pass: Pass;
  /** Undefined when no token was given, null when it cannot be read. */
  readonly from: Position | null | undefined;
}

/** What a stream holds of what is limited; both may be called more than once. */
export interface StreamPlace {
  readonly depart: () => void;
  readonly leavePlace: () => void;
}

/** A stream that may begin. */
export type AdmittedStream = AskedStream & StreamPlace & { readonly format: HttpFormat };

/** Server-sent events, or one JSON object a line. */
export type HttpFormat = 'event' | 'line';

/** What looks after streams of this kind from time to time. */
export interface Beats {
  readonly signs: StreamHeartbeat;
  /** For blocked responses: the library aborts them after ten seconds. */
  readonly keepAlive: Heartbeat<StreamResponse>;
}

/** What stands between two messages: a sign of life, and a probe for a blocked reader. */
const FILLER = { event: Buffer.from(':\n\n'), line: Buffer.from(' ') } as const;

/** One viewer: its response, and what its channel knows of it. An idle one keeps nothing else. */
export class HttpStream implements StreamMember {
  readonly format: HttpFormat;
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

  constructor(parts: StreamParts, beats: Beats, response: HttpResponse, stream: AdmittedStream) {
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
  begin({ view, from }: AdmittedStream): void {
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
