import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ServerMessage } from '../../protocol/message.ts';
import { clientMessages, serverMessages } from '../../protocol/message-samples.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { documentsRoute } from './documents.ts';
import { openApiDocument } from './openapi.ts';

const documents = [
  ['asyncapi', asyncApiDocument()],
  ['openapi', openApiDocument()],
] as const;

/** What a reference within a document points to. */
function resolve(document: unknown, pointer: string): unknown {
  const path = pointer.replace(/^#\//, '').split('/');
  return path.reduce<unknown>((at, key) => Reflect.get(Object(at), key), document);
}

/** A component with its references as a schema that can check. */
function checker(document: unknown, name: string): z.ZodType {
  const schemas = resolve(document, '#/components/schemas');
  const text = JSON.stringify({ $ref: `#/components/schemas/${name}`, $defs: schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
}

test.each(documents)('%s: whatever is referred to is there', (_, document) => {
  const pointers = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)];
  expect(pointers.length).toBeGreaterThan(10);
  for (const [, pointer = ''] of pointers) {
    expect(resolve(document, pointer), pointer).toBeDefined();
  }
});

test('P1: every message that the protocol allows fits its schema in /asyncapi.json', () => {
  const document = asyncApiDocument();
  const names = Object.keys(Object(resolve(document, '#/components/messages')));
  const checkers = new Map(names.map((name) => [name, checker(document, name)]));
  const samples = fc.oneof(clientMessages, serverMessages);
  fc.assert(
    fc.property(samples, (message) => {
      const result = checkers.get(message.type)?.safeParse(JSON.parse(JSON.stringify(message)));
      expect(result?.error).toBeUndefined();
    }),
  );
});

test('P1: a field that nobody knows is refused from a client and allowed from a server', () => {
  const document = asyncApiDocument();
  const fits = (name: string, value: unknown) => checker(document, name).safeParse(value).success;
  const status: ServerMessage = { type: 'status', channel: 1, state: 'live' };
  expect(fits('unsubscribe', { type: 'unsubscribe', id: 'a' })).toBe(true);
  expect(fits('unsubscribe', { type: 'unsubscribe', id: 'a', more: 1 })).toBe(false);
  expect(fits('status', { ...status, more: 1 })).toBe(true);
  expect(fits('status', { ...status, state: 'dead' })).toBe(false);
});

test.each(['/openapi.json', '/asyncapi.json'])('%s is served as JSON', async (path) => {
  const request = { method: 'GET', path, query: new URLSearchParams(), headers: new Map() };
  const visitor = { forbidsView: () => null, forbidsTopic: () => null };
  const reply = await documentsRoute()({ ...request, peer: '' }, visitor);
  expect(reply?.headers['Content-Type']).toBe('application/json; charset=utf-8');
  expect(JSON.parse(String(reply?.body))).toHaveProperty('info.title', 'viewcast');
});
