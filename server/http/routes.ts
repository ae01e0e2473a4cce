import { errorReply, type Reply } from '../reply.ts';
import type { Request } from '../request.ts';

/** What somebody may see; the door names the same. */
export interface Visitor {
  /** Why the view may not be seen; null when it may. */
  forbidsView(view: string): { readonly reply: Reply } | null;
  /** Why messages may not be submitted to the topic; null when they may. */
  forbidsTopic(topic: string): { readonly reply: Reply } | null;
}

/** Answers a POST to one path, with the whole body. */
export interface PostRoute {
  readonly path: string;
  readonly mostBytes: number;
  answer(request: Request, body: Buffer, visitor: Visitor): Reply | Promise<Reply>;
}

/** Answers a request, or null when the path is not its own. It need not look at the method. */
export type Route = (request: Request, visitor: Visitor) => Reply | Promise<Reply> | null;

/**
 * Asks one route after the other. All of these are read-only: another method than GET and HEAD is
 * 405 where there is something, naming POST where that is taken, 404 elsewhere.
 */
export function answer(
  routes: readonly Route[],
  posts: readonly PostRoute[],
  request: Request,
  visitor: Visitor,
): Reply | Promise<Reply> {
  const posted = posts.some(({ path }) => path === request.path) ? ['POST'] : [];
  for (const route of routes) {
    const reply = route(request, visitor);
    if (reply === null) continue;
    return request.method === 'GET' || request.method === 'HEAD'
      ? reply
      : refuseMethod(request, ['GET', 'HEAD', ...posted]);
  }
  if (posted.length > 0) return refuseMethod(request, posted);
  const message = `there is nothing at ${request.path}; GET /api/views lists the views`;
  return errorReply(404, 'not_found', message);
}

function refuseMethod(request: Request, methods: readonly string[]): Reply {
  const allowed = methods.join(', ');
  const message = `${request.path} is asked with ${allowed}, not ${request.method}`;
  return errorReply(405, 'method', message, {}, { Allow: allowed });
}

/** A path of exactly these segments, `:` standing for one to be taken; null when it is another. */
export function matchPath(path: string, pattern: string): readonly string[] | null {
  const given = path.split('/');
  const wanted = pattern.split('/');
  if (given.length !== wanted.length) return null;
  const taken: string[] = [];
  for (const [at, segment] of wanted.entries()) {
    const own = given[at] ?? '';
    if (segment === ':') taken.push(own);
    else if (segment !== own) return null;
  }
  return taken;
}
