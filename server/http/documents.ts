import type { Reply } from '../reply.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { openApiDocument } from './openapi.ts';
import type { Route } from './routes.ts';

/** `GET /openapi.json` and `GET /asyncapi.json`: the interfaces, for machines. */
export function documentsRoute(): Route {
  const replies = new Map<string, Reply>([
    ['/openapi.json', documentReply(openApiDocument())],
    ['/asyncapi.json', documentReply(asyncApiDocument())],
  ]);
  return ({ path }) => replies.get(path) ?? null;
}

function documentReply(document: object): Reply {
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'public, max-age=300',
    },
    body: `${JSON.stringify(document)}\n`,
  };
}
