import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** An event of the stand-in: the text after `data:`, and when Wikimedia's log took it (ms). */
export interface StandInEvent {
  readonly json: string;
  readonly atMs: number;
}

/** What the stand-in does with one connection. */
export type Behaviour =
  /** No stream: 403, 429, 503 …, with headers such as Retry-After. */
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Takes the connection and never answers. */
  | { readonly kind: 'mute' }
  | {
      readonly kind: 'stream';
      /** Cuts the socket after so many bytes of the body, wherever that is. */
      readonly cutAfterBytes?: number;
      /** Falls silent after so many bytes and keeps the socket open. */
      readonly stallAfterBytes?: number;
      /** Ends the response properly after so many events, as the 15-minute limit does. */
      readonly endAfterEvents?: number;
      /** Sends `event: error` after so many events, and goes on. */
      readonly errorAfterEvents?: number;
      /** Sends every nth event twice. */
      readonly repeatEvery?: number;
      /** Sends one of Wikimedia's test events before every nth event. */
      readonly canaryEvery?: number;
      /** Sends half of an event's JSON, properly framed, before every nth event. */
      readonly tornEvery?: number;
      /** Largest piece of a write; pieces cut anywhere. Default: 64 KiB. */
      readonly pieceBytes?: number;
      /** Acts as if the resume point were too old to be known: begins at the present. */
      readonly forgetful?: boolean;
    };

/** What a client asked. */
export interface StandInRequest {
  readonly userAgent: string;
  readonly lastEventId: string | null;
}

export interface StandIn {
  /** For VIEWCAST_STREAM_URL. */
  readonly url: string;
  /** All requests so far, oldest first. */
  readonly requests: readonly StandInRequest[];
  /** How many of the events have left so far, for whichever client. */
  readonly sent: number;
  /** Cuts every open connection now. */
  cutAll(): void;
  close(): Promise<void>;
}

export interface StandInOptions {
  readonly events: readonly StandInEvent[];
  /** How to treat the nth connection, from 0; default: a faultless stream. */
  readonly behave?: (connection: number, request: StandInRequest) => Behaviour;
  /** Pause after each event, as the real pace; default none. */
  readonly paceMs?: number;
  /** Waited for before the event at an index is sent; default nothing. */
  readonly due?: (index: number) => Promise<void>;
  /** Answers 403 to agents without an address or a URL too; always to those of bare libraries. */
  readonly contactRequired?: boolean;
}

const codfw = 'codfw.mediawiki.recentchange';

function idOf(event: StandInEvent): string {
  return JSON.stringify([
    { topic: 'eqiad.mediawiki.recentchange', partition: 0, offset: -1 },
    { topic: codfw, partition: 0, timestamp: event.atMs + 1 },
  ]);
}

function frame(event: StandInEvent, json: string): string {
  return `event: message\nid: ${idOf(event)}\ndata: ${json}\n\n`;
}

function canary(event: StandInEvent): string {
  return JSON.stringify({
    $schema: '/mediawiki/recentchange/1.0.1',
    meta: {
      dt: new Date(event.atMs).toISOString(),
      stream: 'mediawiki.recentchange',
      domain: 'canary',
      id: `canary-${event.atMs}`,
    },
  });
}

/** Kafka's answer to a time: the first message in the log that is not before it. */
function indexAt(events: readonly StandInEvent[], lastEventId: string): number | null {
  const places: unknown = JSON.parse(lastEventId);
  if (!Array.isArray(places)) return null;
  const place: unknown = places.find((each: { topic?: unknown }) => each.topic === codfw);
  if (typeof place !== 'object' || place === null || !('timestamp' in place)) return null;
  const { timestamp } = place;
  if (typeof timestamp !== 'number') return null;
  const index = events.findIndex((event) => event.atMs >= timestamp);
  return index === -1 ? events.length : index;
}

function divides(every: number | undefined, n: number): boolean {
  return every !== undefined && n % every === every - 1;
}

type StreamBehaviour = Extract<Behaviour, { kind: 'stream' }>;

/** The frames of the event at `index`, with what the behaviour puts beside it. */
function framesAt(events: readonly StandInEvent[], index: number, how: StreamBehaviour): string {
  const event = events[index];
  if (event === undefined) throw new RangeError(`expected an event at ${index}`);
  const own = frame(event, event.json);
  const torn = event.json.slice(0, Math.floor(event.json.length / 2));
  return [
    divides(how.canaryEvery, index) ? frame(event, canary(event)) : '',
    divides(how.tornEvery, index) ? frame(event, torn) : '',
    own,
    divides(how.repeatEvery, index) ? own : '',
  ].join('');
}

/** The body in pieces, and how it ends: by itself, cut, silent. */
class Body {
  readonly #response: ServerResponse;
  readonly #how: StreamBehaviour;
  #sent = 0;

  constructor(response: ServerResponse, how: StreamBehaviour) {
    this.#response = response;
    this.#how = how;
  }

  /** Returns false when nothing more is to be sent. */
  async send(text: string): Promise<boolean> {
    const { pieceBytes = 65_536, cutAfterBytes, stallAfterBytes } = this.#how;
    const limit = Math.min(cutAfterBytes ?? Infinity, stallAfterBytes ?? Infinity);
    const bytes = Buffer.from(text).subarray(0, limit - this.#sent);
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      if (!(await this.#write(bytes.subarray(start, start + pieceBytes)))) return false;
    }
    this.#sent += bytes.length;
    if (this.#sent < limit) return true;
    if (cutAfterBytes === limit) this.#response.destroy();
    return false;
  }

  async #write(piece: Buffer): Promise<boolean> {
    const response = this.#response;
    if (response.destroyed) return false;
    // Waits for the kernel to have it, so that a cut comes after these bytes and not before.
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.write(piece, () => {
        response.off('close', resolve);
        resolve();
      });
    });
    return !response.destroyed;
  }
}

class Server {
  readonly requests: StandInRequest[] = [];
  readonly #options: StandInOptions;
  /** What a client without a resume point gets next: after all that was ever sent. */
  #present = 0;

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  get sent(): number {
    return this.#present;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const lastEventId = request.headers['last-event-id'];
    const asked: StandInRequest = {
      userAgent: request.headers['user-agent'] ?? '',
      lastEventId: typeof lastEventId === 'string' ? lastEventId : null,
    };
    const how = this.#options.behave?.(this.requests.length, asked) ?? { kind: 'stream' };
    this.requests.push(asked);
    if (how.kind === 'mute') return;
    if (how.kind === 'refuse') {
      response.writeHead(how.status, how.headers).end();
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    await this.#stream(this.#start(asked, how), response, how);
  }

  #start({ lastEventId }: StandInRequest, how: StreamBehaviour): number {
    if (lastEventId === null || how.forgetful === true) return this.#present;
    return indexAt(this.#options.events, lastEventId) ?? this.#present;
  }

  async #stream(start: number, response: ServerResponse, how: StreamBehaviour): Promise<void> {
    const { events, paceMs, due } = this.#options;
    const body = new Body(response, how);
    if (!(await body.send(':ok\n\n'))) return;
    for (let index = start; index < events.length; index += 1) {
      if (index - start === how.endAfterEvents) {
        response.end();
        return;
      }
      await due?.(index);
      const { errorAfterEvents = Infinity } = how;
      const error = index - start === errorAfterEvents ? 'event: error\ndata: {}\n\n' : '';
      if (!(await body.send(error + framesAt(events, index, how)))) return;
      // Who hears of an error reads no further: what follows it has reached nobody.
      if (index - start < errorAfterEvents) this.#present = Math.max(this.#present, index + 1);
      if (paceMs !== undefined) await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
  }
}

/** The events of a recording of server-sent events, with the times of its ids. */
export function parseStandInEvents(recording: string): readonly StandInEvent[] {
  return [...recording.matchAll(/^id: .*"timestamp":(\d+).*\ndata: (.*)$/gm)].map(
    ([, timestamp, json]) => ({ json: json ?? '', atMs: Number(timestamp) - 1 }),
  );
}

/**
 * Wikimedia's EventStreams for tests, on a free port of 127.0.0.1: its framing, ids and resuming by
 * time, and its faults on demand. After the last event the connection stays open and silent.
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const standIn = new Server({
    ...options,
    behave: (connection, request) => {
      const anonymous =
        /^(node|undici|)$/i.test(request.userAgent) ||
        (options.contactRequired === true && !/@|:\/\//.test(request.userAgent));
      if (anonymous) return { kind: 'refuse', status: 403 };
      return options.behave?.(connection, request) ?? { kind: 'stream' };
    },
  });
  const server = createServer((request, response) => {
    standIn
      .answer(request, response)
      .catch((error: unknown) => response.destroy(new Error(String(error))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return {
    url: `http://127.0.0.1:${address.port}/v2/stream/recentchange`,
    requests: standIn.requests,
    get sent() {
      return standIn.sent;
    },
    cutAll: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
