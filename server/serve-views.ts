import { CLOSE } from '../protocol/close.ts';
import { makeAccess } from './access.ts';
import { BatchChannels } from './channel/batch-channels.ts';
import { defaultOutboxLimits } from './channel/outbox.ts';
import type { StreamChannel } from './channel/stream-channel.ts';
import { StreamChannels } from './channel/stream-channels.ts';
import type { Views } from './channel/view.ts';
import { Cork } from './cork.ts';
import { examplePages } from './example-pages.ts';
import { documentsRoute } from './http/documents.ts';
import { livezRoute, readyzRoute } from './http/health.ts';
import { messageWatch } from './http/message-watch.ts';
import { messageRoute, messagesRoute } from './http/messages-api.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { pageRoute } from './http/page.ts';
import { type HttpParts, httpHandler } from './http/serve.ts';
import { StaticFiles } from './http/static-files.ts';
import { catalogueRoute, viewRoute } from './http/views-api.ts';
import { shedUnderPressure } from './memory-shedding.ts';
import { openMessages } from './messages.ts';
import { Metrics } from './metrics.ts';
import type { ServeOptions, Serving } from './serve-options.ts';
import {
  addStreams,
  originGate,
  placesOf,
  sessionParts,
  streamParts,
  wholeCatalogue,
} from './serve-parts.ts';
import { sessionSockets } from './socket/session-sockets.ts';
import { listen, makeApp } from './uws.ts';

/** Progress and stragglers of `ws /api/v1` are looked at so often. */
const GROUP_TICK_MS = 250;

/**
 * Serves views over WebSocket, SSE and HTTP: views → channels → sockets.
 *
 * @throws {ListenError} when the port cannot be opened.
 */
export function serveViews(views: Views, options: ServeOptions): Serving {
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
      if (ms === 0) process.nextTick(run);
      else setTimeout(run, ms);
    },
    limits: options.outboxLimits ?? defaultOutboxLimits,
    observer: metrics,
  });
  const admitOrigin = originGate(options);
  const access = makeAccess(options.access ?? {}, metrics);
  const { door } = access;
  const places = placesOf(options);
  const corked = (run: () => void): void => cork.run(run);
  const sockets = streamParts(channels, metrics, nowMs, admitOrigin, access, places, corked);
  const beat = addStreams(app, sockets);
  const messages = openMessages(options.messages, { views, nowMs, observer: metrics });
  const sessions = sessionParts(groups, sockets, options, access, places, metrics, messages);
  app.ws('/api/v1', sessionSockets(sessions));
  const example = examplePages(app, sockets, sessions, options, views, messages);
  const viewersOf = ({ view, viewers }: StreamChannel) => viewers + groups.viewersOf(view.name);
  const routes = [
    whole === undefined
      ? catalogueRoute(channels, (name) => groups.viewersOf(name))
      : wholeCatalogue(channels, whole),
    viewRoute(channels),
    livezRoute,
    readyzRoute(channels, () => door.draining),
    metricsRoute(whole?.metrics ?? metrics),
    messageRoute(messages),
    ...example.routes,
    documentsRoute(),
    pageRoute(new StaticFiles(options.web, nowMs)),
  ];
  const ask: HttpParts['ask'] = (request) => door.ask(request);
  const posts = [messagesRoute(messages, example.addressOf), ...example.posts];
  app.get('/api/messages/:id', messageWatch({ admitOrigin, ask }, messages));
  app.any('/*', httpHandler({ routes, posts, admitOrigin, ask, failed: options.failed }));
  const whose = whole === undefined ? 'own' : 'shared';
  const listening = listen(app, options.host, options.port, whose);
  const cork = new Cork();
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
      cork.close();
      example.stop();
      void messages.close();
    },
    own: {
      metrics: () => metrics.content(),
      viewers: () => new Map(channels.all().map((one) => [one.view.name, viewersOf(one)])),
    },
  };
}
