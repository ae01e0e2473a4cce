import { BOUNDS } from '../protocol/message.ts';
import type { Access } from './access.ts';
import { clientAddress, TrustedProxies } from './address.ts';
import type { Verdict } from './auth/authorizer.ts';
import type { BatchChannels } from './channel/batch-channels.ts';
import { defaultOutboxLimits } from './channel/outbox.ts';
import { formatToken, parseToken } from './channel/resume-token.ts';
import type { StreamChannels } from './channel/stream-channels.ts';
import { type ConnectionPlaces, ownPlaces, sharedPlaces } from './connection-places.ts';
import { ConnectionGuard } from './guard.ts';
import type { Route } from './http/routes.ts';
import { catalogueRoute } from './http/views-api.ts';
import type { Messages } from './messages.ts';
import type { Metrics } from './metrics.ts';
import { allowsOrigin, corsHeaders } from './origin.ts';
import { RateLimit } from './rate-limit.ts';
import type { ServeOptions, WholeServer } from './serve-options.ts';
import { Heartbeat } from './socket/heartbeat.ts';
import { httpStreams } from './socket/http-streams.ts';
import type { SessionSocketParts } from './socket/session-sockets.ts';
import type { StreamResponse } from './socket/stream-response.ts';
import { streamSockets } from './socket/stream-sockets.ts';
import { defaultConnectionLimits, type Living, type StreamParts } from './socket/stream-source.ts';
import type { TemplatedApp } from './uws.ts';

/** Pings and comments go to each connection once in so many seconds. */
const HEARTBEAT_SECONDS = 15;
/** A blocked HTTP response is probed once in so many seconds; the library aborts it after ten. */
const KEEP_ALIVE_SECONDS = 5;

/** What `hello` promises. */
const QUIET_MS = 15_000;
const SUBSCRIPTIONS = 100;
/** Acknowledgements are cheap and not counted as messages. */
const ACKS_PER_SECOND = 200;

const STREAM_PATHS = ['/api/stream/:view', '/api/v1/stream/:view'] as const;

export function originGate(options: ServeOptions): StreamParts['admitOrigin'] {
  return (headers) => {
    const origin = headers.get('origin');
    const allowed = allowsOrigin(options, origin, headers.get('host'));
    return allowed ? corsHeaders(options, origin) : null;
  };
}

export function placesOf({
  connectionsPerAddress,
  trustedProxies,
  whole,
}: ServeOptions): ConnectionPlaces {
  const proxies = new TrustedProxies(trustedProxies);
  return whole === undefined
    ? ownPlaces(connectionsPerAddress, proxies)
    : sharedPlaces((address) => whole.enter(address), proxies);
}

/** The catalogue with the viewers of all servers of the process. */
export function wholeCatalogue(channels: StreamChannels, whole: WholeServer): Route {
  const others = (viewers: ReadonlyMap<string, number>) => (name: string) =>
    (viewers.get(name) ?? 0) - (channels.get(name)?.viewers ?? 0);
  return (request, visitor) => {
    const now = catalogueRoute(channels, () => 0)(request, visitor);
    if (now === null) return null;
    const whenAsked = (viewers: ReadonlyMap<string, number>) =>
      catalogueRoute(channels, others(viewers))(request, visitor) ?? now;
    return whole.viewers().then(whenAsked);
  };
}

export function streamParts(
  channels: StreamChannels,
  metrics: Metrics,
  nowMs: () => number,
  admitOrigin: StreamParts['admitOrigin'],
  { door, admission }: Access,
  places: ConnectionPlaces,
  corked: StreamParts['corked'],
): StreamParts {
  const { messagesPerSecond, messageBurst } = defaultConnectionLimits;
  return {
    source: {
      get: (name) => channels.get(name),
      names: () => channels.all().map(({ view }) => view.name),
      get known() {
        return channels.known;
      },
    },
    observer: metrics,
    nowMs,
    parseToken,
    formatToken,
    admitOrigin,
    admitConnection: (peer, headers) => places.admit(peer, headers),
    enter: (request, entrant) =>
      places.before(request, entrant, (inner) => door.enter(request, inner)),
    takePlace: (resuming, applicant) =>
      (resuming ? admission.resumes : admission.snapshots).enter(applicant),
    corked,
    messageRate: new RateLimit(messagesPerSecond, messageBurst),
    limits: defaultConnectionLimits,
  };
}

export function sessionParts(
  source: BatchChannels,
  sockets: StreamParts,
  { outboxLimits = defaultOutboxLimits, trustedProxies }: ServeOptions,
  access: Access,
  places: ConnectionPlaces,
  metrics: Metrics,
  messages: Messages,
): SessionSocketParts {
  const { door } = access;
  const { messageBytes, messagesPerSecond, messageBurst } = sockets.limits;
  const judged = (verdict: Verdict): void => metrics.judged(verdict);
  const proxies = new TrustedProxies(trustedProxies);
  return {
    source,
    sockets,
    messageRate: sockets.messageRate,
    ackRate: new RateLimit(ACKS_PER_SECOND, 2 * ACKS_PER_SECOND),
    knock: (entrant, request) => places.before(request, entrant, (inner) => door.knock(inner)),
    door,
    addressOf: (peer, headers) => clientAddress(peer, headers.get('x-forwarded-for'), proxies),
    submit: (message, address, listener) => messages.submit(message, address, listener),
    guard: (port) => new ConnectionGuard(access, port, judged),
    takePlace: sockets.takePlace,
    nowMs: sockets.nowMs,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    quietMs: QUIET_MS,
    limits: {
      messageBytes,
      jsonDepth: BOUNDS.jsonDepth,
      subscriptions: SUBSCRIPTIONS,
      messagesPerSecond,
      messageBurst,
      unacknowledgedBytes: outboxLimits.highBytes,
      laggingMs: outboxLimits.lagMs,
    },
  };
}

/** Returns what is to be called once a second. */
export function addStreams(app: TemplatedApp, parts: StreamParts): () => void {
  const signs = new Heartbeat<Living>(HEARTBEAT_SECONDS, (one) => one.signOfLife());
  const keepAlive = new Heartbeat<StreamResponse>(KEEP_ALIVE_SECONDS, (one) => one.keepAlive());
  for (const path of STREAM_PATHS) {
    app.ws(path, streamSockets(parts, signs));
    app.any(path, httpStreams(parts, { signs, keepAlive }));
  }
  return () => {
    signs.beat();
    keepAlive.beat();
  };
}
