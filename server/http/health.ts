import { jsonReply } from '../reply.ts';
import type { Route } from './routes.ts';
import type { ViewSource } from './views-api.ts';

/** `GET /livez`: the process answers. */
export const livezRoute: Route = ({ path }) =>
  path === '/livez' ? jsonReply(200, { live: true }) : null;

/**
 * `GET /readyz`: 200 when every view has its rows; else 503 with what is missing. A server that
 * stops is not ready from the moment on when it was told so.
 */
export function readyzRoute(source: ViewSource, draining: () => boolean): Route {
  return ({ path }) => {
    if (path !== '/readyz') return null;
    if (draining()) return jsonReply(503, { ready: false, draining: true }, { 'Retry-After': '1' });
    const channels = source.all();
    const hydrating = channels
      .filter(({ view }) => view.frontier === null)
      .map(({ view }) => view.name);
    const missing = source.known ? hydrating : ['the list of views', ...hydrating];
    const stale = channels
      .filter(({ view }) => view.state === 'stale')
      .map(({ view }) => view.name);
    return missing.length === 0
      ? jsonReply(200, { ready: true, views: channels.length, stale })
      : jsonReply(503, { ready: false, missing, stale }, { 'Retry-After': '1' });
  };
}
