import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { SCHEMA_HASH } from './message.ts';
import { clientMessageSchema, serverMessageSchema } from './schema.ts';

test('P1: the schemas are pinned; change PROTOCOL.md with them, then the pin', () => {
  const schemas = [clientMessageSchema, serverMessageSchema].map((schema) =>
    z.toJSONSchema(schema),
  );
  const hash = createHash('sha256').update(JSON.stringify(schemas)).digest('hex');
  expect(SCHEMA_HASH).toBe(hash.slice(0, 16));
});

test('P1: every type of message has a schema', () => {
  expect(typesOf(clientMessageSchema).sort()).toEqual(
    ['ack', 'auth', 'submit', 'subscribe', 'unsubscribe'].sort(),
  );
  expect(typesOf(serverMessageSchema)).toHaveLength(9);
});

function typesOf(schema: z.ZodType): string[] {
  const text = JSON.stringify(z.toJSONSchema(schema));
  return [...text.matchAll(/"type":\{"type":"string","const":"(\w+)"\}/g)].map(
    ([, type]) => type ?? '',
  );
}
