import type { EventSourceMessage } from 'eventsource-parser';
import { parseRetryAfter } from './retry.ts';
import { SseDecoder } from './sse.ts';

/** How one connection to the event stream ended. Every one of them is followed by another. */
export type Ending =
  /** The server closed it or the socket broke after it had begun: every 15 minutes at Wikimedia. */
  | { readonly kind: 'cut'; readonly reason: string }
  /** No bytes for too long, or the server said `event: error`. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** No connection, or no answer in time. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** An answer other than 200. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly retryAfterMs: number | null;
      readonly reason: string;
    };

export interface ConnectionOptions {
  readonly url: string;
  /** Wikimedia answers 403 to agents that name no contact. */
  readonly userAgent: string;
  readonly lastEventId: string | null;
  /** Deadline for the answer's head. */
  readonly connectMs: number;
  /** Silence after which a connection counts as broken. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onOpen: () => void;
  readonly onOversized: () => void;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function request(options: ConnectionOptions, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {
    accept: 'text/event-stream',
    'user-agent': options.userAgent,
  };
  if (options.lastEventId !== null) headers['last-event-id'] = options.lastEventId;
  return await fetch(options.url, { headers, signal });
}

async function refusal(response: Response, now: number): Promise<Ending> {
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), now);
  await response.body?.cancel();
  const reason = `expected status 200, got ${response.status} ${response.statusText}`.trimEnd();
  return { kind: 'refused', status: response.status, retryAfterMs, reason };
}

async function* readBody(
  body: ReadableStream<Uint8Array>,
  options: ConnectionOptions,
  abort: (reason: string) => void,
): AsyncGenerator<EventSourceMessage, Ending, undefined> {
  const decoder = new SseDecoder(options.onOversized);
  const reader = body.getReader();
  while (true) {
    // Armed only while we wait for bytes: a slow consumer is not the server's silence.
    const watchdog = setTimeout(
      () => abort(`no bytes for ${options.silenceMs} ms`),
      options.silenceMs,
    );
    const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
    if (done) return { kind: 'cut', reason: 'the server closed the connection' };
    for (const message of decoder.push(value)) {
      if (message.event === 'error') {
        return { kind: 'broken', reason: `the stream reported an error: ${message.data}` };
      }
      yield message;
    }
  }
}

/**
 * One connection to an event stream: yields its events, returns how it ended, never throws. Bytes
 * are read only as events are taken, so a slow consumer slows the sender.
 */
export async function* openEventStream(
  options: ConnectionOptions,
): AsyncGenerator<EventSourceMessage, Ending, undefined> {
  const controller = new AbortController();
  let expired: string | null = null;
  const abort = (reason: string) => {
    expired = reason;
    controller.abort();
  };
  const stop = () => controller.abort();
  options.signal.addEventListener('abort', stop, { once: true });
  const deadline = setTimeout(
    () => abort(`no answer within ${options.connectMs} ms`),
    options.connectMs,
  );
  let open = false;
  try {
    options.signal.throwIfAborted();
    const response = await request(options, controller.signal);
    clearTimeout(deadline);
    if (response.status !== 200 || response.body === null) {
      return await refusal(response, options.now());
    }
    open = true;
    options.onOpen();
    return yield* readBody(response.body, options, abort);
  } catch (error) {
    if (expired !== null) return { kind: open ? 'broken' : 'unreachable', reason: expired };
    return { kind: open ? 'cut' : 'unreachable', reason: describe(error) };
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener('abort', stop);
    controller.abort();
  }
}
