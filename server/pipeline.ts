import { CLOSE } from '../protocol/close.ts';
import { BOUNDS } from '../protocol/message.ts';
import { type Access, type AccessOptions, makeAccess } from './access.ts';
import { clientAddress, TrustedProxies } from './address.ts';
import type { Verifier } from './auth/connection-auth.ts';
import { BatchChannels } from './channel/batch-channels.ts';
import { defaultOutboxLimits, type OutboxLimits } from './channel/outbox.ts';
import { formatToken, parseToken } from './channel/resume-token.ts';
import { StreamChannels } from './channel/stream-channels.ts';
import type { Views } from './channel/view.ts';
import type { Config } from './config.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { makeGuard } from './guard.ts';
import { documentsRoute } from './http/documents.ts';
import { livezRoute, readyzRoute } from './http/health.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { pageRoute } from './http/page.ts';
import { type HttpParts, httpHandler } from './http/serve.ts';
import { StaticFiles } from './http/static-files.ts';
import { catalogueRoute, viewRoute } from './http/views-api.ts';
import { Metrics } from './metrics.ts';
import { allowsOrigin, corsHeaders } from './origin.ts';
import { Heartbeat } from './socket/heartbeat.ts';
import { type SessionSocketParts, sessionSockets } from './socket/session-sockets.ts';
import { streamResponses } from './socket/stream-http.ts';
import { streamSockets } from './socket/stream-sockets.ts';
import { defaultConnectionLimits, type StreamParts } from './socket/stream-source.ts';
import { Upstream } from './upstream/upstream.ts';
import { listen, makeApp, type TemplatedApp } from './uws.ts';
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
  /** Told of requests whose handler threw. */
  readonly failed: (path: string, error: unknown) => void;
};

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
}

/**
 * Serves views over WebSocket, SSE and HTTP: views → channels → sockets.
 *
 * @throws {ListenError} when the port cannot be opened.
 */
export function serveViews(views: ServedViews, options: ServeOptions): Serving {
  const nowMs = options.nowMs ?? Date.now;
  const app = makeApp();
  const metrics = new Metrics(nowMs, () =>
    channels.all().map(({ view, viewers, laggards }) => ({
      view: view.name,
      viewers: viewers + groups.viewersOf(view.name),
      laggards,
      frontier: view.frontier,
    })),
  );
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
  const sockets = streamParts(channels, metrics, nowMs, admitOrigin, options, access);
  const beat = addStreams(app, sockets);
  app.ws('/api/v1', sessionSockets(sessionParts(groups, sockets, options, access, metrics)));
  const routes = [
    catalogueRoute(channels, (name) => groups.viewersOf(name)),
    viewRoute(channels),
    livezRoute,
    readyzRoute(
      channels,
      () => views.discovered ?? true,
      () => door.draining,
    ),
    metricsRoute(metrics),
    documentsRoute(),
    pageRoute(new StaticFiles(options.web, nowMs)),
  ];
  const ask: HttpParts['ask'] = (request) => door.ask(request);
  app.any('/*', httpHandler({ routes, admitOrigin, ask, failed: options.failed }));
  const listening = listen(app, options.host, options.port);
  const timer = setInterval(() => {
    channels.tick();
    beat();
  }, 1_000);
  const groupTimer = setInterval(() => groups.tick(), GROUP_TICK_MS);
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
      clearInterval(timer);
      clearInterval(groupTimer);
      listening.stop();
      channels.close(CLOSE.draining);
      groups.close(CLOSE.draining);
      app.close();
    },
  };
}

/** Follows the upstream's views and serves them. */
export function startPipeline(
  config: Config,
  log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  },
  verifier: Verifier | null = null,
): Serving & { readonly upstream: Upstream } {
  const upstream = new Upstream({
    url: config.upstream,
    report: ({ view, kind, message, error }) => {
      if (kind === 'lost') log.warn({ view, err: error }, message);
      else log.info({ view }, message);
    },
  });
  const views = new FollowedViews({
    follow: (name, view) => upstream.follow(name, view),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    names: config.views,
  });
  try {
    const serving = serveViews(views, {
      ...config,
      access: { verifier, querySeconds: config.authQuerySeconds },
      failed: (path, error) => log.error({ path, err: error }, 'a request failed'),
    });
    return {
      port: serving.port,
      upstream,
      drain: (drainMs, done) => serving.drain(drainMs, done),
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

function streamParts(
  channels: StreamChannels,
  metrics: Metrics,
  nowMs: () => number,
  admitOrigin: StreamParts['admitOrigin'],
  options: ServeOptions,
  { door, admission }: Access,
): StreamParts {
  const limit = new ConnectionLimit(options.connectionsPerAddress);
  const proxies = new TrustedProxies(options.trustedProxies);
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
    admitConnection: (peer, headers) =>
      limit.enter(clientAddress(peer, headers.get('x-forwarded-for'), proxies)),
    enter: (request, entrant) => door.enter(request, entrant),
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
  metrics: Metrics,
): SessionSocketParts {
  const { door } = access;
  const { messageBytes, messagesPerSecond, messageBurst } = sockets.limits;
  return {
    source,
    sockets,
    knock: (entrant) => door.knock(entrant),
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
