import { expect, test } from 'vitest';
import type { Reply } from '../reply.ts';
import { anybody, requestOf } from './fake-intake.ts';
import { answer, type PostRoute, type Route } from './routes.ts';

const page: Reply = { status: 200, headers: {}, body: '' };
const route: Route = ({ path }) => (path === '/both' || path === '/read' ? page : null);
const post = (path: string): PostRoute => ({ path, mostBytes: 1, answer: () => page });

test.each([
  ['GET', '/both', 200, undefined],
  ['PUT', '/both', 405, 'GET, HEAD, POST'],
  ['POST', '/read', 405, 'GET, HEAD'],
  ['GET', '/write', 405, 'POST'],
  ['PUT', '/nowhere', 404, undefined],
])('%s %s is answered %i, and what may be asked there', async (method, path, status, allow) => {
  const posts = [post('/both'), post('/write')];
  const reply = await answer([route], posts, requestOf(method, path), anybody);
  expect([reply.status, reply.headers.Allow]).toEqual([status, allow]);
});
