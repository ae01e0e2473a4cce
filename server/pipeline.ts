import { CLOSE } from '../protocol/close.ts';
import { BOUNDS } from '../protocol/message.ts';
import { type Access, type AccessOptions, makeAccess } from './access.ts';
import { TrustedProxies } from './address.ts';
import type { Verifier } from './auth/connection-auth.ts';
import { BatchChannels } from './channel/batch-channels.ts';
import { defaultOutboxLimits, type OutboxLimits } from './channel/outbox.ts';
import { formatToken, parseToken } from './channel/resume-token.ts';
import type { StreamChannel } from './channel/stream-channel.ts';
import { StreamChannels } from './channel/stream-channels.ts';
import type { Views } from './channel/view.ts';
import type { Config } from './config.ts';
import { type ConnectionPlaces, ownPlaces, sharedPlaces } from './connection-places.ts';
import { makeGuard } from './guard.ts';
import { documentsRoute } from './http/documents.ts';
import { livezRoute, readyzRoute } from './http/health.ts';
import { type MetricsText, metricsRoute } from './http/metrics-route.ts';
import { pageRoute } from './http/page.ts';
import type { Route } from './http/routes.ts';
import { type HttpParts, httpHandler } from './http/serve.ts';
import { StaticFiles } from './http/static-files.ts';
import { catalogueRoute, viewRoute } from './http/views-api.ts';
import { type MemoryOptions, memoryOf, shedUnderPressure } from './memory-shedding.ts';
import { Metrics } from './metrics.ts';
import { allowsOrigin, corsHeaders } from './origin.ts';
import { Heartbeat } from './socket/heartbeat.ts';
import { type SessionSocketParts, sessionSockets } from './socket/session-sockets.ts';
import { streamResponses } from './socket/stream-http.ts';
import { streamSockets } from './socket/stream-sockets.ts';
import { defaultConnectionLimits, type StreamParts } from './socket/stream-source.ts';
import { Upstream } from './upstream/upstream.ts';
import { listen, makeApp, type TemplatedApp } from './uws.ts';
import { DEFAULT_LIMITS } from './view/history.ts';
import { HistoryBudget } from './view/history-budget.ts';
import { Views as FollowedViews } from './view/views.ts';

/** Pings and comments go to each connection once in so many seconds. */
const HEARTBEAT_SECONDS = 15;
/** A blocked HTTP response is probed once in so many seconds; the library aborts it after ten. */
const KEEP_ALIVE_SECONDS = 5;

/** Progress and stragglers of `ws /api/v1` are looked at so often. */
const GROUP_TICK_MS = 250;
/** What `hello` promises. */
const QUIET_MS = 15_000;
const SUBSCRIPTIONS = 100;

const STREAM_PATHS = ['/api/stream/:view', '/api/v1/stream/:view'] as const;

/** A view stage as the server asks it: whether it knows all its views yet. */
export type ServedViews = Views & { readonly discovered?: boolean };

export type ServeOptions = Pick<
  Config,
  'host' | 'port' | 'web' | 'origins' | 'trustedProxies' | 'connectionsPerAddress'
> & {
  readonly outboxLimits?: OutboxLimits | undefined;
  readonly nowMs?: (() => number) | undefined;
  /** Who is let in, and how many at once; everybody by default. */
  readonly access?: AccessOptions | undefined;
  /** How memory is watched; nothing is shed without. */
  readonly memory?: MemoryOptions | null | undefined;
  /** Lets histories have a share of their usual limits, 1 at first. */
  readonly limitHistory?: ((share: number) => void) | undefined;
  /** What is asked of all servers of this process, where it has several on one port. */
  readonly whole?: WholeServer | undefined;
  /** Told of requests whose handler threw. */
  readonly failed: (path: string, error: unknown) => void;
};

/** All servers of a process that share its port. */
export interface WholeServer {
  /** Takes one of the connections of an address; null when it has as many as it may. */
  enter(address: string): Promise<(() => void) | null>;
  readonly metrics: MetricsText;
  /** Viewers by view. */
  viewers(): Promise<ReadonlyMap<string, number>>;
}

/** A server that listens. */
export interface Serving {
  readonly port: number;
  /**
   * From now on nobody new is let in and `/readyz` says so; viewers are sent away over `drainMs`,
   * and then `done` is called. What is served over HTTP goes on until `close`.
   */
  drain(drainMs: number, done: () => void): void;
  /** Closes every connection at once, each told that the server stops. Idempotent. */
  close(): void;
  /** This server's own numbers, for those of all servers of the process. */
  readonly own: {
    metrics(): Promise<readonly object[]>;
    viewers(): ReadonlyMap<string, number>;
  };
}

/**
 * Serves views over WebSocket, SSE and HTTP: views → channels → sockets.
 *
 * @throws {ListenError} when the port cannot be opened.
 */
export function serveViews(views: ServedViews, options: ServeOptions): Serving {
  const nowMs = options.nowMs ?? Date.now;
  const app = makeApp();
  const { whole } = options;
  const gauges = () =>
    channels.all().map(({ view, viewers, laggards }) => ({
      view: view.name,
      viewers: viewers + groups.viewersOf(view.name),
      laggards,
      frontier: view.frontier,
    }));
  const metrics = new Metrics(nowMs, gauges, whole !== undefined);
  const channels: StreamChannels = new StreamChannels(views, {
    publish: (topic, bytes) => app.publish(topic, bytes, false, false),
    nowMs,
    limits: options.outboxLimits ?? defaultOutboxLimits,
    observer: metrics,
  });
  const groups: BatchChannels = new BatchChannels(views, {
    publish: (topic, bytes) => app.publish(topic, bytes, false, false),
    nowMs,
    after: (ms, run) => {
      if (ms === 0) queueMicrotask(run);
      else setTimeout(run, ms);
    },
    limits: options.outboxLimits ?? defaultOutboxLimits,
    observer: metrics,
  });
  const admitOrigin = originGate(options);
  const access = makeAccess(options.access ?? {}, metrics);
  const { door } = access;
  const places = placesOf(options);
  const sockets = streamParts(channels, metrics, nowMs, admitOrigin, access, places);
  const beat = addStreams(app, sockets);
  const sessions = sessionParts(groups, sockets, options, access, places, metrics);
  app.ws('/api/v1', sessionSockets(sessions));
  const viewersOf = ({ view, viewers }: StreamChannel) => viewers + groups.viewersOf(view.name);
  const routes = [
    whole === undefined
      ? catalogueRoute(channels, (name) => groups.viewersOf(name))
      : wholeCatalogue(channels, whole),
    viewRoute(channels),
    livezRoute,
    readyzRoute(
      channels,
      () => views.discovered ?? true,
      () => door.draining,
    ),
    metricsRoute(whole?.metrics ?? metrics),
    documentsRoute(),
    pageRoute(new StaticFiles(options.web, nowMs)),
  ];
  const ask: HttpParts['ask'] = (request) => door.ask(request);
  app.any('/*', httpHandler({ routes, admitOrigin, ask, failed: options.failed }));
  const whose = whole === undefined ? 'own' : 'shared';
  const listening = listen(app, options.host, options.port, whose);
  const timer = setInterval(() => {
    channels.tick();
    beat();
  }, 1_000);
  const groupTimer = setInterval(() => groups.tick(), GROUP_TICK_MS);
  const stopShedding = shedUnderPressure(options.memory, {
    shut: (isShut) => access.admission.snapshots.shut(isShut),
    limitHistory: options.limitHistory,
    laggards: () => [...channels.behind(), ...groups.behind()],
    changed: (level) => metrics.memoryLevel(level),
  });
  let open = true;
  let stopDraining: () => void = () => {};
  return {
    port: listening.port,
    drain: (drainMs, done) => {
      stopDraining();
      stopDraining = door.drain(drainMs, done);
    },
    close: () => {
      if (!open) return;
      open = false;
      stopDraining();
      stopShedding();
      clearInterval(timer);
      clearInterval(groupTimer);
      listening.stop();
      channels.close(CLOSE.draining);
      groups.close(CLOSE.draining);
      app.close();
    },
    own: {
      metrics: () => metrics.content(),
      viewers: () => new Map(channels.all().map((one) => [one.view.name, viewersOf(one)])),
    },
  };
}

/** Where the server tells what happens. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** A server with its upstream; its end may take a moment. */
export type Running = Omit<Serving, 'own' | 'close'> & {
  readonly upstream: Upstream;
  close(): void | Promise<void>;
};

/** What is followed: one connection to the upstream for each view. */
export interface Followed {
  readonly upstream: Upstream;
  /** What the views' histories may have. */
  readonly budget: HistoryBudget;
  readonly views: FollowedViews;
}

/** Follows the upstream's views. */
export function followViews(config: Config, log: Log): Followed {
  const upstream = new Upstream({
    url: config.upstream,
    report: ({ view, kind, message, error }) => {
      if (kind === 'lost') log.warn({ view, err: error }, message);
      else log.info({ view }, message);
    },
  });
  const budget = new HistoryBudget(DEFAULT_LIMITS);
  const views = new FollowedViews({
    follow: (name, view) => upstream.follow(name, view),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    names: config.views,
    limits: budget,
  });
  return { upstream, budget, views };
}

/** Follows the upstream's views and serves them. */
export function startPipeline(config: Config, log: Log, verifier: Verifier | null = null): Running {
  const { upstream, budget, views } = followViews(config, log);
  try {
    const serving = serveViews(views, {
      ...config,
      access: { verifier, querySeconds: config.authQuerySeconds },
      memory: memoryOf(config, log),
      limitHistory: (share) => budget.take(share),
      failed: (path, error) => log.error({ path, err: error }, 'a request failed'),
    });
    return {
      ...serving,
      upstream,
      close: () => {
        serving.close();
        views.stop();
      },
    };
  } catch (error) {
    views.stop();
    throw error;
  }
}

function originGate(options: ServeOptions): StreamParts['admitOrigin'] {
  return (headers) => {
    const origin = headers.get('origin');
    const allowed = allowsOrigin(options, origin, headers.get('host'));
    return allowed ? corsHeaders(options, origin) : null;
  };
}

function placesOf({
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
function wholeCatalogue(channels: StreamChannels, whole: WholeServer): Route {
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

function streamParts(
  channels: StreamChannels,
  metrics: Metrics,
  nowMs: () => number,
  admitOrigin: StreamParts['admitOrigin'],
  { door, admission }: Access,
  places: ConnectionPlaces,
): StreamParts {
  return {
    source: {
      get: (name) => channels.get(name),
      names: () => channels.all().map(({ view }) => view.name),
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
    limits: defaultConnectionLimits,
  };
}

function sessionParts(
  source: BatchChannels,
  sockets: StreamParts,
  { outboxLimits = defaultOutboxLimits }: ServeOptions,
  access: Access,
  places: ConnectionPlaces,
  metrics: Metrics,
): SessionSocketParts {
  const { door } = access;
  const { messageBytes, messagesPerSecond, messageBurst } = sockets.limits;
  return {
    source,
    sockets,
    knock: (entrant, request) => places.before(request, entrant, (inner) => door.knock(inner)),
    opened: (close) => door.opened(close),
    guard: (port) => makeGuard(access, port, (verdict) => metrics.judged(verdict)),
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
function addStreams(app: TemplatedApp, parts: StreamParts): () => void {
  const heartbeat = new Heartbeat(HEARTBEAT_SECONDS);
  const keepAlive = new Heartbeat(KEEP_ALIVE_SECONDS);
  for (const path of STREAM_PATHS) {
    app.ws(path, streamSockets(parts, heartbeat));
    app.any(path, streamResponses(parts, heartbeat, keepAlive));
  }
  return () => {
    heartbeat.beat();
    keepAlive.beat();
  };
}
