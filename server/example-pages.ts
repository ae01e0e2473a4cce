import type { Views } from './channel/view.ts';
import { type ExamplePageParts, exampleFormRoute, exampleRoute } from './http/example-page.ts';
import type { PostRoute, Route } from './http/routes.ts';
import type { Messages } from './messages.ts';
import { NewestFeed } from './newest-feed.ts';
import type { Request } from './request.ts';
import type { ServeOptions } from './serve-options.ts';
import { itemsMessage } from './socket/example-message.ts';
import { EXAMPLE_ITEMS, exampleSockets } from './socket/example-sockets.ts';
import type { SessionSocketParts } from './socket/session-sockets.ts';
import type { StreamParts } from './socket/stream-source.ts';
import type { TemplatedApp } from './uws.ts';

/** The example system's form page and two-way socket. */
export interface ExamplePages {
  readonly routes: readonly Route[];
  readonly posts: readonly PostRoute[];
  /** Whose request it is. */
  addressOf(request: Request): string;
  stop(): void;
}

/** Adds the socket to the application; the routes are for its HTTP handler. */
export function examplePages(
  app: TemplatedApp,
  sockets: StreamParts,
  { submit, addressOf }: Pick<SessionSocketParts, 'submit' | 'addressOf'>,
  { nowMs = Date.now }: ServeOptions,
  views: Views,
  messages: Messages,
): ExamplePages {
  const items = () => feed.items('ws-example');
  const feed: NewestFeed = new NewestFeed(views, nowMs, () => {
    if (app.numSubscribers(EXAMPLE_ITEMS) > 0) app.publish(EXAMPLE_ITEMS, itemsMessage(items()));
  });
  const whenListed: ExamplePageParts['whenListed'] = (frontier, run) =>
    feed.whenShown(frontier, run);
  const socketParts = { sockets, submit, addressOf, items, whenListed, random: Math.random };
  for (const path of ['/example/ws/', '/example/ws']) app.ws(path, exampleSockets(socketParts));
  const addressOfRequest = ({ peer, headers }: Request) => addressOf(peer, headers);
  const page: ExamplePageParts = {
    intake: messages,
    items: () => (feed.view === undefined ? undefined : feed.items('example')),
    whenListed,
    addressOf: addressOfRequest,
    random: Math.random,
  };
  return {
    routes: [exampleRoute(page)],
    posts: [exampleFormRoute(page)],
    addressOf: addressOfRequest,
    stop: () => feed.stop(),
  };
}
