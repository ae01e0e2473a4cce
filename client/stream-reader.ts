import { type StreamEvents, type StreamFormat, streamParser } from './stream-parser.ts';

/** How long a stream may take until its first byte, in ms: a buffer on the way keeps that back. */
export const FIRST_MS = 2_500;
/** How long a stream may be silent: the server says something every 15 s. In ms. */
export const QUIET_MS = 20_000;

/** Why a stream is over: what the server answered, a silence too long, or anything else. */
export type StreamEnd =
  | { readonly kind: 'refused'; readonly status: number; readonly retryMs: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'lost' };

/** What is heard of a stream; nothing is, once it was stopped. */
export interface StreamListener extends StreamEvents {
  /** Something came: a sign of life. */
  alive(): void;
  /** The last call. */
  ended(end: StreamEnd): void;
}

/** What reading a stream needs of the world. */
export interface StreamWorld {
  readonly fetch: typeof fetch;
  /** Calls `then` once after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, then: () => void): () => void;
}

/** What to read, and how. */
export interface StreamRequest {
  readonly url: URL;
  readonly format: StreamFormat;
  readonly headers: Readonly<Record<string, string>>;
}

const ACCEPT = { event: 'text/event-stream', line: 'application/x-ndjson' } as const;

/** Reads a stream until it ends; the returned function stops it. */
export function readStream(
  world: StreamWorld,
  { url, format, headers }: StreamRequest,
  listener: StreamListener,
): () => void {
  const abort = new AbortController();
  const end = (how: StreamEnd) => {
    if (abort.signal.aborted) return;
    stop();
    listener.ended(how);
  };
  const wait = (ms: number) => world.after(ms, () => end({ kind: 'silent' }));
  let stopWaiting = wait(FIRST_MS);
  const stop = () => {
    stopWaiting();
    abort.abort();
  };
  const parse = streamParser(format, listener);
  const take = (text: string) => {
    stopWaiting();
    stopWaiting = wait(QUIET_MS);
    parse(text);
    listener.alive();
  };
  const read = async () => {
    const request = { headers: { ...headers, accept: ACCEPT[format] }, signal: abort.signal };
    const response = await world.fetch(url, request);
    if (!response.ok || response.body === null) {
      end({ kind: 'refused', status: response.status, retryMs: retryMsOf(response) });
      return;
    }
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (abort.signal.aborted) return;
      take(decoder.decode(next.value, { stream: true }));
    }
    end({ kind: 'lost' });
  };
  read().catch(() => end({ kind: 'lost' }));
  return stop;
}

/** How long the server asks to stay away, in ms. */
export function retryMsOf({ headers }: Pick<Response, 'headers'>): number {
  const seconds = Number(headers.get('retry-after'));
  return Number.isFinite(seconds) ? seconds * 1_000 : 0;
}
