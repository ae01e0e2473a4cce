import { preflightReply } from '../origin.ts';
import { errorReply, type Reply, sendReply } from '../reply.ts';
import { type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import { readBody } from './body.ts';
import { answer, type PostRoute, type Route, type Visitor } from './routes.ts';

export interface HttpParts {
  readonly routes: readonly Route[];
  readonly posts: readonly PostRoute[];
  /** Null when the Origin may not use this server, else the headers that let its page read. */
  readonly admitOrigin: (
    headers: ReadonlyMap<string, string>,
  ) => Readonly<Record<string, string>> | null;
  /** Who asks, or why nothing is answered; never rejects. Asked about /api/ and /example/ only. */
  readonly ask: (request: Request) => Asked | Promise<Asked>;
  /** Told of a handler that threw; the request is answered 500. */
  readonly failed: (path: string, error: unknown) => void;
}

/** A visitor, or the answer to one who is refused. */
export type Asked = Visitor | { readonly reply: Reply };

/** What everybody may see: the page, the documentation, health and metrics. */
const anybody: Visitor = { forbidsView: () => null, forbidsTopic: () => null };

/** Answers every request that no stream takes. */
export function httpHandler(
  parts: HttpParts,
): (response: HttpResponse, request: HttpRequest) => void {
  return (response, raw) => {
    let open = true;
    response.onAborted(() => {
      open = false;
    });
    const request = readRequest(raw, response);
    const cors = parts.admitOrigin(request.headers);
    const send = (reply: Reply): void => {
      if (!open) return;
      open = false;
      const whole = { ...reply, headers: { ...reply.headers, ...cors } };
      response.cork(() => sendReply(response, whole, request.method === 'HEAD'));
    };
    if (cors === null) {
      const message = 'pages of this origin may not use this server; its operator can list them';
      send(errorReply(403, 'origin', message));
      return;
    }
    const preflight = preflightReply(request.method, cors);
    if (preflight !== null) {
      send(preflight);
      return;
    }
    const fail = (error: unknown): void => {
      parts.failed(request.path, error);
      send(errorReply(500, 'internal', 'the server made a mistake; its log says which'));
    };
    const route =
      request.method === 'POST' ? parts.posts.find(({ path }) => path === request.path) : undefined;
    let body: Buffer | null = null;
    const post = (visitor: Visitor) =>
      route === undefined || body === null ? null : route.answer(request, body, visitor);
    const serve = (asked: Asked): void => {
      if ('reply' in asked) {
        send(asked.reply);
        return;
      }
      try {
        const reply = post(asked) ?? answer(parts.routes, parts.posts, request, asked);
        if (reply instanceof Promise) reply.then(send, fail);
        else send(reply);
      } catch (error) {
        fail(error);
      }
    };
    const go = (): void => {
      const asked = isGuarded(request.path) ? parts.ask(request) : anybody;
      if (asked instanceof Promise) asked.then(serve, fail);
      else serve(asked);
    };
    if (route === undefined) {
      go();
      return;
    }
    readBody(response, route.mostBytes, (whole) => {
      body = whole;
      if (whole !== null) go();
      else send(tooLarge(route.mostBytes));
    });
  };
}

/** Where a token says what may be seen. */
const isGuarded = (path: string): boolean => /^\/(?:api|example)\//.test(path);

function tooLarge(mostBytes: number): Reply {
  const message = `expected a body of at most ${mostBytes} bytes`;
  return errorReply(413, 'too_large', message, {}, { Connection: 'close' });
}
