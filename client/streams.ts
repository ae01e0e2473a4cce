import {
  BOUNDS,
  type ClientMessage,
  type ErrorCode,
  PROTOCOL_VERSION,
  SCHEMA_HASH,
  type ServerMessage,
  type Subscribe,
} from '../protocol/message.ts';
import { type CatalogueEntry, parseCatalogue } from './catalogue.ts';
import { StreamAddress } from './stream-address.ts';
import { StreamGroup } from './stream-group.ts';
import type { StreamFormat } from './stream-parser.ts';
import { readStream, retryMsOf, type StreamEnd, type StreamWorld } from './stream-reader.ts';
import type { Open, Socket, SocketListener } from './web-socket.ts';

/**
 * The protocol over plain HTTP, for networks that let no WebSocket through: what a client says is
 * answered here, out of the streams of its views (PROTOCOL.md, "Streams"). Nothing is checked by
 * hashes, lines do not tell that the upstream is silent, and no message can be sent in.
 */

/** Changes of several views that come within this time are one batch, in ms. */
const GATHER_MS = 50;
/** When to ask again for views that are being read for the first time, in ms. */
const RETRY_MS = 1_000;

/** What a server would say first. */
const HELLO: ServerMessage = {
  type: 'hello',
  protocol: PROTOCOL_VERSION,
  schema: SCHEMA_HASH,
  auth: 'none',
  quietMs: 20_000,
  limits: {
    messageBytes: BOUNDS.messageBytes,
    jsonDepth: BOUNDS.jsonDepth,
    subscriptions: 100,
    messagesPerSecond: 20,
    messageBurst: 40,
    unacknowledgedBytes: 262_144,
    laggingMs: 60_000,
  },
};

/** How this network lets streams through; what one connection finds out holds for the next. */
interface Framing {
  format: StreamFormat;
}

/** Makes what opens such connections: server-sent events, or lines where those are held back. */
export function streamOpener(world: StreamWorld): Open {
  const framing: Framing = { format: 'event' };
  return (url, listener) => new StreamSocket(world, framing, url, listener);
}

export const openStreams: Open = streamOpener({
  fetch: (...request) => fetch(...request),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
});

/** One subscription and its streams. */
interface Running {
  readonly request: Subscribe;
  group: StreamGroup | null;
  /** Views whose upstream is silent. */
  readonly stale: Set<string>;
  /** Ends streams, timers and questions. */
  readonly stops: Set<() => void>;
  gathering: boolean;
}

class StreamSocket implements Socket {
  readonly #world: StreamWorld;
  readonly #framing: Framing;
  readonly #address: StreamAddress;
  readonly #listener: SocketListener;
  readonly #running = new Map<string, Running>();
  readonly #abort = new AbortController();
  #channels = 0;

  constructor(world: StreamWorld, framing: Framing, url: string, listener: SocketListener) {
    this.#world = world;
    this.#framing = framing;
    this.#address = new StreamAddress(world, url);
    this.#listener = listener;
    // Whatever the answer is, somebody is there; who may ask is seen when views are asked for.
    this.#address.views(this.#abort.signal).then(
      ({ status }) => (status < 500 ? this.#alive(() => this.#greet()) : this.#lose(1006)),
      () => this.#lose(1006),
    );
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage;
    switch (message.type) {
      case 'auth':
        this.#address.token = message.token;
        this.#say({ type: 'authorized', expiresInMs: null });
        break;
      case 'subscribe':
        this.#subscribe(message);
        break;
      case 'unsubscribe':
        this.#end(message.id);
        break;
      case 'submit':
        this.#refuse(message.id, 'unavailable', 'messages go in over a WebSocket only');
        break;
      case 'ack':
        break;
    }
  }

  close(): void {
    this.#abort.abort();
    for (const id of [...this.#running.keys()]) this.#end(id);
  }

  /** What is said here goes no further, so its bounds are those of the protocol. */
  #greet(): void {
    this.#listener.opened();
    this.#say(HELLO);
  }

  #subscribe(request: Subscribe): void {
    const running: Running = {
      request,
      group: null,
      stale: new Set(),
      stops: new Set(),
      gathering: false,
    };
    this.#running.set(request.id, running);
    this.#catalogue().then(
      (views) => this.#alive(() => views !== null && this.#begin(running, views)),
      () => this.#lose(1006),
    );
  }

  /** The views there are; null when the connection ended over it. */
  async #catalogue(): Promise<ReadonlyMap<string, CatalogueEntry> | null> {
    const response = await this.#address.views(this.#abort.signal);
    if (response.ok) return parseCatalogue(await response.json());
    this.#refused(response.status, retryMsOf(response));
    return null;
  }

  #begin(running: Running, views: ReadonlyMap<string, CatalogueEntry>): void {
    const { request } = running;
    if (this.#running.get(request.id) !== running) return;
    const names = request.views.map(({ view }) => view);
    const entries = names.flatMap((name) => views.get(name) ?? []);
    const missing = names.find((name) => !views.has(name));
    if (missing !== undefined) {
      this.#refuse(request.id, 'unknown_view', `no view ${missing} is served`);
    } else if (entries.some(({ epoch }) => epoch === '')) {
      this.#refuse(request.id, 'unavailable', 'the views are being read', RETRY_MS);
    } else {
      this.#start(running, request, entries);
    }
  }

  #start(running: Running, request: Subscribe, entries: readonly CatalogueEntry[]): void {
    let group: StreamGroup;
    try {
      this.#channels += 1;
      group = new StreamGroup(request, this.#channels, entries);
    } catch (error) {
      this.#refuse(request.id, 'unknown_column', error instanceof Error ? error.message : '');
      return;
    }
    running.group = group;
    this.#say(group.subscribed());
    for (const entry of entries) this.#read(running, group, entry, entries);
  }

  #read(
    running: Running,
    group: StreamGroup,
    { name }: CatalogueEntry,
    entries: readonly CatalogueEntry[],
  ): void {
    const { format } = this.#framing;
    const url = this.#address.stream(name, group.token);
    let news = false;
    const stop = readStream(
      this.#world,
      { url, format, headers: this.#address.headers },
      {
        message: (message, token) => {
          news = true;
          group.message(name, message, token);
        },
        quiet: (token) => group.quiet(name, token),
        status: (stale) => this.#status(running, group, name, stale),
        alive: () => {
          this.#gather(running, group, !news);
          news = false;
        },
        ended: (end) => {
          if (end.kind === 'silent' && format === 'event') this.#reframe(running, group, entries);
          else this.#ended(end);
        },
      },
    );
    running.stops.add(stop);
  }

  /** Events are held back somewhere: lines may come through. */
  #reframe(running: Running, { position }: StreamGroup, entries: readonly CatalogueEntry[]): void {
    this.#framing.format = 'line';
    for (const stop of running.stops) stop();
    running.stops.clear();
    running.stale.clear();
    running.gathering = false;
    const { from: _, ...request } = running.request;
    const goesOn = position === undefined ? request : { ...request, from: position };
    this.#start(running, goesOn, entries);
  }

  /** A subscription is stale as long as one of its views is. */
  #status({ stale }: Running, { channel }: StreamGroup, view: string, isStale: boolean): void {
    const before = stale.size > 0;
    if (isStale) stale.add(view);
    else stale.delete(view);
    if (before === stale.size > 0) return;
    this.#say({ type: 'status', channel, state: before ? 'live' : 'stale' });
  }

  /** Gives what was taken as one batch, after what else is about to come. */
  #gather(running: Running, group: StreamGroup, always: boolean): void {
    if (running.gathering) return;
    running.gathering = true;
    const stop = this.#world.after(Math.max(GATHER_MS, running.request.everyMs ?? 0), () => {
      running.stops.delete(stop);
      running.gathering = false;
      const batch = group.flush(always);
      if (batch !== null) this.#say(batch);
    });
    running.stops.add(stop);
  }

  #ended(end: StreamEnd): void {
    // Lines are no way either: the next connection tries events again.
    if (end.kind === 'silent') this.#framing.format = 'event';
    if (end.kind === 'refused') this.#refused(end.status, end.retryMs);
    else this.#lose(1006);
  }

  /** What an HTTP status is among the close codes of a WebSocket. */
  #refused(status: number, retryMs: number): void {
    if (status === 401) {
      const message = 'expected a token that holds, got none or another';
      const error: ServerMessage = { type: 'error', code: 'forbidden', message };
      this.#alive(() => this.#listener.message(JSON.stringify(error)));
      this.#lose(4003);
    } else {
      this.#lose(status === 429 || status === 503 ? 4013 : 1006, retryMs);
    }
  }

  #refuse(id: string, code: ErrorCode, message: string, retryMs?: number): void {
    this.#end(id);
    const error = { type: 'error', id, code, message } as const;
    this.#say(retryMs === undefined ? error : { ...error, retryMs });
  }

  #end(id: string): void {
    for (const stop of this.#running.get(id)?.stops ?? []) stop();
    this.#running.delete(id);
  }

  #lose(code: number, retryMs = 0): void {
    this.#alive(() => {
      this.close();
      this.#listener.closed(code, retryMs === 0 ? '' : `closed retryMs=${retryMs}`);
    });
  }

  /** Not from within the caller's own call, as with every socket. */
  #say(message: ServerMessage): void {
    queueMicrotask(() => this.#alive(() => this.#listener.message(JSON.stringify(message))));
  }

  #alive(run: () => void): void {
    if (!this.#abort.signal.aborted) run();
  }
}
